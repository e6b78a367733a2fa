-- What runs next door: `signalroom dev` says in its state folder where its servers are, and commands in other terminals go
-- there when nobody names other servers. What is named must agree with it, so that no two systems are mixed.

local file = require "activity.file"
local host = require "cli.host"
local json = require "json"
local places = require "cli.places"

local NAMES = { "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_UI_ADDRESS", "DATABASE_URL" }
local OTHERWISE_NAMED = { "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "SUPABASE_DB_HOST" }

local neighbour = {}

local function path_in(state) return state .. "/neighbour.json" end

local function own_pid()
  local stream = io.open("/proc/self/stat", "r")
  local pid = stream:read "*n"
  stream:close()
  return pid
end

local function setting(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

--- Says where our servers are, from the environment that we have set.
---@param state string
function neighbour.announce(state)
  local about = { pid = own_pid() }
  for _, name in ipairs(NAMES) do about[name] = setting(name) end
  file.write(path_in(state), json.encode(about) .. "\n", 384) -- 0600: the database's password
end

local function read(state)
  local stream = io.open(path_in(state), "r")
  if not stream then return nil end
  local ok, about = pcall(json.decode, stream:read "*a")
  stream:close()
  return ok and type(about) == "table" and type(about.pid) == "number" and about or nil
end

--- Takes that back; what another dev has said since stays.
---@param state string
function neighbour.leave(state)
  local about = read(state)
  if about and about.pid == own_pid() then pcall(file.remove, path_in(state)) end
end

local function agrees(about)
  for _, name in ipairs(OTHERWISE_NAMED) do
    if setting(name) then return false end
  end
  for _, name in ipairs(NAMES) do
    local value = setting(name)
    if value and value ~= about[name] then return false end
  end
  local settings = setting "XDG_CONFIG_HOME" or (os.getenv "HOME" or "") .. "/.config"
  return not host.exists(settings .. "/temporalio/temporal.toml")
end

--- Takes the servers of a running `signalroom dev` into our environment, where they are not named already.
function neighbour.adopt()
  local about = read(places.state())
  if not about or not host.exists(("/proc/%d"):format(about.pid)) or not agrees(about) then return end
  for _, name in ipairs(NAMES) do
    if about[name] and not setting(name) then host.set_environment(name, about[name]) end
  end
end

return neighbour

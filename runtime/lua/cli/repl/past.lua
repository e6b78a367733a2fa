-- What was typed, from session to session: a file in the user's state folder, an entry a line, that nobody else may
-- read. An entry with a secret in it is not kept, nor one that begins with a space.

local host = require "cli.host"
local secrets = require "native.secret"

local KEPT = 1000

local past = {}

local path

local function folder()
  local home = os.getenv "XDG_STATE_HOME" or os.getenv "HOME" and os.getenv "HOME" .. "/.local/state"
  return home and home .. "/signalroom"
end

local function escape(entry) return (entry:gsub("\\", "\\\\"):gsub("\n", "\\n")) end

local function unescape(line)
  return (line:gsub("\\(.)", function(c) return c == "n" and "\n" or c end))
end

local function read(name)
  local stream = io.open(name, "r")
  local lines = {}
  for line in stream and stream:lines() or function() end do lines[#lines + 1] = line end
  if stream then stream:close() end
  return lines
end

-- A file that has grown long is cut to what is kept.
local function shorten(lines)
  local stream = io.open(path .. ".new", "w")
  if not stream then return end
  for i = #lines - KEPT + 1, #lines do stream:write(lines[i], "\n") end
  stream:close()
  host.own(path .. ".new", nil, "0600")
  os.rename(path .. ".new", path)
end

--- The entries of earlier sessions, oldest first. Without a place to keep them there are none, and that is fine.
---@return string[]
function past.load()
  local where = folder()
  if not where or not pcall(host.make_folder, where, "0700") then return {} end
  path = where .. "/history"
  local lines, entries = read(path), {}
  for i = math.max(1, #lines - KEPT + 1), #lines do entries[#entries + 1] = unescape(lines[i]) end
  if #lines > 2 * KEPT then shorten(lines) end
  return entries
end

--- Keeps an entry.
---@param entry string
function past.keep(entry)
  if not path or entry:find "^%s" or secrets.hide(entry) ~= entry then return end
  local is_new = not host.exists(path)
  local stream = io.open(path, "a")
  if not stream then return end
  if is_new then host.own(path, nil, "0600") end
  stream:write(escape(entry), "\n")
  stream:close()
end

return past

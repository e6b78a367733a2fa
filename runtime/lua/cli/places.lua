-- Where development mode keeps its state, and which programs it runs.

local errors = require "errors"
local host = require "cli.host"

local places = {}

local function first_that_exists(candidates)
  for _, path in ipairs(candidates) do
    if path and host.exists(path) then return path end
  end
end

local function on_path(program)
  local candidates = {}
  for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do candidates[#candidates + 1] = folder .. "/" .. program end
  return first_that_exists(candidates)
end

local function config_error(message)
  error(errors.new("ConfigError", { message = message, non_retryable = true }), 0)
end

--- The folder of the state: --state, else the user's state folder; for root, who has none, one that the postgres user
--- can enter.
---@param given string?
---@return string
function places.state(given)
  if given then return given:sub(1, 1) == "/" and given or host.working_folder() .. "/" .. given end
  local named = os.getenv "XDG_STATE_HOME"
  if host.user_id() == 0 and not named then return "/var/lib/signalroom/dev" end
  return (named or (os.getenv "HOME" or "/tmp") .. "/.local/state") .. "/signalroom/dev"
end

--- Where development mode keeps its worker's log.
---@param state string
---@return string
function places.log(state) return state .. "/worker.log" end

--- The temporal CLI: TEMPORAL_CLI, the PATH, or the one that set-up put beside the build.
---@return string
function places.temporal()
  local named = os.getenv "TEMPORAL_CLI"
  if named and not host.exists(named) then config_error("TEMPORAL_CLI=" .. named .. ": no such file") end
  local build = host.executable():match "^(.*)/[^/]+/[^/]+$" or ""
  return named or first_that_exists { build .. "/venv/bin/temporal" } or on_path "temporal"
    or config_error "no temporal CLI: put it on the PATH, name it in TEMPORAL_CLI, or run tools/setup"
end

--- The folder with PostgreSQL's server programs: POSTGRES_BIN, the newest Debian version, or the PATH.
---@return string
function places.postgres()
  local candidates = { os.getenv "POSTGRES_BIN" }
  for version = 19, 13, -1 do candidates[#candidates + 1] = ("/usr/lib/postgresql/%d/bin"):format(version) end
  local server = on_path "postgres"
  candidates[#candidates + 1] = server and server:match "^(.*)/"
  return first_that_exists(candidates) or config_error "no PostgreSQL server: install postgresql-15, or name its folder in POSTGRES_BIN"
end

return places

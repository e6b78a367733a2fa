-- Is everything there that a worker needs? Each file of cli/checks/ looks at one thing and says a line for each finding:
-- ok, warn or fail, and what to do. `signalroom check` runs all of them, a worker the required ones before it polls.

local errors = require "errors"
local file = require "activity.file"
local host = require "cli.host"
local log = require "activity.log"

-- In the order in which they are printed. With `online`: only once the Temporal server has answered.
local ALL = {
  { name = "settings" }, { name = "temporal" }, { name = "database" }, { name = "scripts" }, { name = "retry" },
  { name = "vendors" }, { name = "channels" },
  { name = "schedules", online = true }, { name = "disk" },
}

local checks = {}

--- Runs every check.
---@param place { queue: string, scripts: string }
---@param say fun(verdict: "ok"|"warn"|"fail", name: string, found: string, fix: string?)
function checks.run(place, say)
  local answers = {}
  for _, check in ipairs(ALL) do
    if not check.online or answers.temporal then answers[check.name] = require("cli.checks." .. check.name)(say, place) end
  end
end

-- A database is needed where one is named, and where a script declares a source.
local function wants_database(scripts)
  if (os.getenv "DATABASE_URL" or "") ~= "" or (os.getenv "SUPABASE_DB_HOST" or "") ~= "" then return true end
  local folder = scripts .. "/activities"
  for _, entry in ipairs(host.exists(folder) and file.list(folder) or {}) do
    if entry.name:sub(-4) == ".lua" and file.read(folder .. "/" .. entry.name):find "%f[^\n%z]source%s*%(?%s*\"" then return true end
  end
  return false
end

--- Runs what a worker cannot do without, apart from the server and the scripts, which its start looks at itself. Raises the
--- first thing that fails; what is merely doubtful goes to the log.
---@param place { queue: string, scripts: string }
function checks.require(place)
  if not wants_database(place.scripts) then return end
  local failed
  require "cli.checks.database"(function(verdict, name, found, fix)
    if verdict == "fail" then failed = failed or ("%s: %s; %s"):format(name, found, fix) end
    if verdict == "warn" then log.warning("check_warning", { check = name, found = found, fix = fix }) end
  end)
  if failed then error(errors.new("CheckFailed", { message = failed, non_retryable = true }), 0) end
end

return checks

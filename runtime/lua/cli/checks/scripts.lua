-- The scripts folder, loaded as a worker loads it: what does it define, and which files would be refused?

local errors = require "errors"
local host = require "cli.host"
local loader = require "report.folder"
local report = require "report"

local MEND = "mend the line; workers refuse to start with it"

local KIND = { workflows = "workflow", activities = "activity" }

-- "3 workflows, 5 activities"
local function summary(scripts)
  local count = { workflow = 0, activity = 0 }
  for _, script in ipairs(scripts) do
    local kind = KIND[script.entry:match "^%w+"]
    if kind then count[kind] = count[kind] + #script.types end
  end
  return ("%d workflows, %d activities"):format(count.workflow, count.activity)
end

-- True when all is well.
local function load_all(say, root)
  local ok, found = pcall(host.scripts, root)
  if not ok then return say("fail", "scripts", errors.normalize(found).message, MEND) end
  local bad = 0
  for _, change in ipairs(found.changes) do
    if change.why and change.kind == "refused" then
      bad = bad + 1
      say("fail", "script", change.why, MEND)
    end
  end
  if bad > 0 then return end
  say(#found.scripts > 0 and "ok" or "warn", "scripts", summary(found.scripts), #found.scripts == 0 and "write one" or nil)
  return true
end

-- Their templates and parameters as well.
local function load_reports(say, root)
  local ok, problem = pcall(loader.load, root)
  if ok then return say("ok", "reports", ("%d, with their templates"):format(#report.names())) end
  say("fail", "reports", errors.normalize(problem).message, MEND)
end

--- Checks the scripts below a folder.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
---@param place { scripts: string }
return function(say, place)
  local root = place.scripts
  if not host.exists(root) then
    return say("fail", "scripts", root .. " is not there", "name the folder: --scripts DIR")
  end
  if load_all(say, root) and host.exists(root .. "/reports") then load_reports(say, root) end
end

-- Schedules: does the server have those of the script?

local errors = require "errors"
local host = require "cli.host"
local plan = require "schedule.plan"
local script = require "schedule.script"

local SAID = { create = "is not on the server", update = "is otherwise on the server", delete = "is no longer in the script",
  refuse = "is on the server and was not made by us" }

local function differences(steps)
  local list = {}
  for _, step in ipairs(steps) do
    if SAID[step.verb] then list[#list + 1] = ("%s %s"):format(step.id, SAID[step.verb]) end
  end
  return list
end

--- Compares scripts/workflows/schedules.lua with the connected server.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
---@param place { scripts: string }
return function(say, place)
  local path = place.scripts .. "/workflows/schedules.lua"
  if not host.exists(path) then return end
  local ok, list = pcall(script.read, path)
  if not ok then return say("fail", "schedules", errors.normalize(list).message, "mend the line, then signalroom schedules plan") end
  local asked, steps = pcall(plan.make, list)
  if not asked then return end -- the server's own line says it
  local different = differences(steps)
  if #different == 0 then return say("ok", "schedules", ("%d, all applied"):format(#list)) end
  say("warn", "schedules", table.concat(different, "; "), "signalroom schedules plan, then schedules apply")
end

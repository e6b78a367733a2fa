-- Names that no script defines. Workers say so when they are given such a task; what they have, they name.

local nearest = require "nearest"
local words = require "cli.why.words"

-- How workers put it: ours, those of the Python and of the Go SDK. Captures the name and the list of those there are.
local ACTIVITY = {
  'no activity "([^"]+)" in this worker\'s scripts; they define (.*)',
  "Activity function (%S+) .-is not registered on this worker, available activities: (.*)",
  "unable to find activityType=(%S+)%. Supported types: %[(.-)%]",
}
local WORKFLOW = {
  'no script defines the workflow "([^"]+)"; this worker has (.*)',
  "Workflow class (%S+) is not registered on this worker, available workflows: (.*)",
  "unable to find workflow type: (%S+)%. Supported types: %[(.-)%]",
}

local function look(text, patterns)
  for _, pattern in ipairs(patterns) do
    local name, rest = (text or ""):match(pattern)
    if name then
      local there = {}
      for word in rest:gmatch "[^,%s]+" do there[#there + 1] = word end
      return name, nearest.word(name, there), rest
    end
  end
end

local function sentence(kind, name, close)
  return ("No script defines the %s %q%s"):format(kind, name, close and ("; did you mean %q?"):format(close) or ".")
end

local unknown = {}

--- nil when the failure is about something else.
---@param failure table
---@return Cause?
function unknown.activity(failure)
  local name, close, rest = look(failure.message, ACTIVITY)
  return name and words.problem(sentence("activity", name, close), { "the workers of this queue have " .. rest },
    close and "correct the name in the workflow's call" or "add it to scripts/activities, or correct the name in the workflow's call")
end

--- nil when the failure is about something else.
---@param failure table
---@param id string the run's
---@return Cause?
function unknown.workflow(failure, id)
  local name, close, rest = look(failure.message, WORKFLOW)
  return name and words.problem(sentence("workflow", name, close), { "the workers of this queue have " .. rest },
    ("add it to scripts/workflows; or signalroom terminate %s and start it by the right name"):format(id))
end

return unknown

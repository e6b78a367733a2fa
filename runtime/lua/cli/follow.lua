-- What a run is at, while somebody waits for it at a terminal.

local client = require "client"
local converter = require "converter"
local output = require "cli.output"
local progress = require "cli.progress"
local timer = require "native.timer"
local wait = require "wait"
local why = require "cli.why"

local FIRST_LOOK_MS, LAST_LOOK_MS = 100, 1000
local WHY_AFTER_MS = 5000

local function heartbeat(activity)
  local ok, details = pcall(converter.decode_list, activity.heartbeat_details)
  local at = ok and details[1]
  return type(at) == "table" and at.of and (", %s window %d of %d"):format(tostring(at.resource), at.window, at.of) or ""
end

local function step(described)
  local activity = (described.pending_activities or {})[1]
  if not activity then return described.pending_workflow_task and "waits for a worker" or "waits for a signal or a timer" end
  local failed = activity.last_failure and (", the last try failed: %s"):format(output.brief(activity.last_failure.message or "", 80)) or ""
  return ("%s, attempt %d%s%s"):format(activity.activity_type.name, activity.attempt or 1, heartbeat(activity), failed)
end

--- Shows what a run is at until it has closed; says once what holds it up.
---@param id string
---@param run_id string?
return function(id, run_id)
  local began, pause, told = timer.now(), FIRST_LOOK_MS, false
  while true do
    local described = client.describe(id, run_id)
    if not tostring(described.workflow_execution_info.status):find "RUNNING$" then return end
    local elapsed = timer.now() - began
    if not told and elapsed > WHY_AFTER_MS then
      local answer = why.ask(id, run_id)
      told = answer.problem
      if told then progress.note("%s\n  -> %s", answer.sentence, answer.fix or "signalroom why " .. id) end
    end
    progress.line("%s: %s (%d s)", id, step(described), elapsed / 1000)
    wait(timer.sleep(pause))
    pause = math.min(pause * 1.5, LAST_LOOK_MS)
  end
end

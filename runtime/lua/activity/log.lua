-- The log of activities: one line an event, with the fields of the task in front.

local native = require "native.log"
local sorted_keys = require "sorted_keys"
local task = require "native.task"

local TASK_FIELDS = { "activity_type", "activity_id", "attempt", "workflow_id", "run_id" }

local log = {}

local function task_values()
  local state = task.state()
  local poll = state and state.poll
  if not poll then return {} end
  local execution = poll.workflow_execution or {}
  return { activity_type = poll.activity_type and poll.activity_type.name, activity_id = poll.activity_id, attempt = poll.attempt,
    workflow_id = execution.workflow_id, run_id = execution.run_id }
end

local function write(level, event, fields)
  local names, values, of_task = {}, {}, task_values()
  for _, name in ipairs(TASK_FIELDS) do
    if of_task[name] ~= nil then names[#names + 1] = name end
  end
  for i, name in ipairs(names) do values[i] = of_task[name] end
  for _, name in ipairs(sorted_keys(fields or {})) do
    names[#names + 1] = name
    values[#names] = fields[name]
  end
  native.write(level, event, names, values)
end

--- Writes one line: an event, snake_case and always the same for the same thing, and what was special this time.
---@param event string "rows_loaded"
---@param fields? table JSON values by name
function log.info(event, fields) write("info", event, fields) end

--- As log.info, for what only matters to who looks for something.
---@param event string
---@param fields? table
function log.debug(event, fields) write("debug", event, fields) end

--- As log.info, for what somebody should look at some day.
---@param event string
---@param fields? table
function log.warning(event, fields) write("warning", event, fields) end

--- As log.info, for what somebody should look at now.
---@param event string
---@param fields? table
function log.error(event, fields) write("error", event, fields) end

return log

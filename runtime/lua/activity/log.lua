<<<<<<< HEAD
-- The log of activities: one line an event, with the fields of the task in front.

local native = require "native.log"
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
  local own = {}
  for name in pairs(fields or {}) do own[#own + 1] = tostring(name) end
  table.sort(own)
  for _, name in ipairs(own) do
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
=======
-- The log for activities: an event's name and fields, one line, secrets masked. The task that speaks is added by itself.
--
--   log.info("pipeline_starting", { source = "everflow" })

local json = require "json"
local native = require "native.words"
local task = require "native.task"

local log = {}

local OF_TASK = { "activity_type", "activity_id", "workflow_id", "run_id", "attempt" }

local function add(list, key, value)
  if value == nil then return end
  local text = type(value) == "string"
  list[#list + 1], list[#list + 2], list[#list + 3] = key, text and value or json.encode(value), not text
end

local function sorted_keys(fields)
  local keys = {}
  for key in pairs(fields) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

local function speaker(list)
  local state = task.state()
  local poll = state and state.poll
  if not poll then return end
  local execution = poll.workflow_execution or {}
  local values = { activity_type = poll.activity_type and poll.activity_type.name, activity_id = poll.activity_id,
    workflow_id = execution.workflow_id, run_id = execution.run_id, attempt = poll.attempt }
  for _, key in ipairs(OF_TASK) do add(list, key, values[key]) end
end

local function writer(level)
  return function(event, fields)
    if type(event) ~= "string" then error("log takes an event's name first, then a table of fields", 2) end
    if not native.hears(level) then return end
    local list = {}
    for _, key in ipairs(sorted_keys(fields or {})) do add(list, key, fields[key]) end
    speaker(list)
    native.log(level, event, unpack(list))
  end
end

--- Writes one line. Event names are snake_case and stable: people and scripts search for them.
---@param event string
---@param fields? table<string, any>  text as it is, all else as JSON
log.debug = writer(0)

--- As log.debug, shown by default.
---@param event string
---@param fields? table<string, any>
log.info = writer(1)

--- As log.debug, for what somebody should look at.
---@param event string
---@param fields? table<string, any>
log.warning = writer(2)

--- As log.debug, for what has failed.
---@param event string
---@param fields? table<string, any>
log.error = writer(3)
>>>>>>> 0b3dcd2 (activity: Files, hashes, log lines and secrets for scripts)

return log

-- A history for people. Every event becomes a record: id, time, name, and the fields that matter, decoded. `show` prints
-- a line of each, `history` all of it.

local converter = require "converter"
local json = require "json"
local output = require "cli.output"
local versions = require "cli.versions"
local words = require "cli.why.words"

local MASKED = "***"
local DEEPEST = 20

local history = {}

local function name_of(event)
  local text = tostring(event.event_type):gsub("^EVENT_TYPE_", ""):lower()
  return (text:gsub("_(%l)", string.upper):gsub("^%l", string.upper))
end

local function attributes_of(event)
  for key, value in pairs(event) do
    if type(value) == "table" and key:sub(-17) == "_event_attributes" then return value end
  end
  return {}
end

-- --- values ---

local SECRET = { "password", "passwd", "secret", "token", "api_?key", "authorization", "private_?key" }

local function is_secret(key)
  key = tostring(key):lower()
  for _, pattern in ipairs(SECRET) do
    if key:find(pattern) then return true end
  end
end

-- Masks, in place, what is named like a secret.
local function mask(value, depth)
  if type(value) ~= "table" or depth > DEEPEST then return value end
  for key, inner in pairs(value) do
    if is_secret(key) and type(inner) == "string" then value[key] = MASKED else mask(inner, depth + 1) end
  end
  return value
end

local function decoded(payload)
  local ok, value = pcall(converter.decode, payload)
  if not ok then return ("(%s)"):format(value) end
  if value == nil then return json.null end
  if getmetatable(value) == "bytes" then return ("(%d bytes)"):format(#value.data) end
  return mask(value, 1)
end

-- One value as itself, several as a list.
local function payloads(message)
  local list = message.payloads
  if not list or #list == 0 then return nil end
  if #list == 1 then return decoded(list[1]) end
  local values = json.array {}
  for i, payload in ipairs(list) do values[i] = decoded(payload) end
  return values
end

local function failure(value)
  local lines = words.chain(value)
  return table.concat(lines, "; ")
end

local function place(value)
  local _, deepest = words.chain(value)
  return words.line_of(deepest)
end

local function seconds(ms)
  return ms > 0 and words.span(ms) or nil
end

local function named(value) return value.name ~= "" and value.name or nil end
local function text(value) return value ~= "" and tostring(value) or nil end
local function count(value) return value > 0 and value or nil end
local function run_of(value) return value.workflow_id end

local function retry_policy(value)
  local parts = { ("first wait %s, times %g"):format(words.span(value.initial_interval or 0), value.backoff_coefficient or 1) }
  if (value.maximum_interval or 0) > 0 then parts[#parts + 1] = "up to " .. words.span(value.maximum_interval) end
  if (value.maximum_attempts or 0) > 0 then parts[#parts + 1] = value.maximum_attempts .. " attempts" end
  if value.non_retryable_error_types then
    parts[#parts + 1] = "never " .. table.concat(value.non_retryable_error_types, ", ")
  end
  return table.concat(parts, ", ")
end

local function details(value)
  if type(value) ~= "table" then return text(value) end
  return payloads(value)
end

-- Attribute, how it is read, whether `show` has it too. In the order in which they are shown.
local FIELDS = {
  { "workflow_type", named, true }, { "activity_type", named, true }, { "activity_id", text, true }, { "timer_id", text, true },
  { "marker_name", text, true }, { "signal_name", text, true }, { "attempt", count, true, { ActivityTaskStarted = true } },
  { "identity", text, true, { WorkflowTaskCompleted = true, ActivityTaskStarted = true, WorkflowExecutionSignaled = true,
    WorkflowExecutionTerminated = true, WorkflowExecutionCancelRequested = true } },
  { "start_to_fire_timeout", seconds, true },
  { "task_queue", named, false, { WorkflowExecutionStarted = true, ActivityTaskScheduled = true } },
  { "parent_workflow_execution", run_of }, { "cron_schedule", text }, { "continued_execution_run_id", text },
  { "workflow_run_timeout", seconds }, { "start_to_close_timeout", seconds, false, { ActivityTaskScheduled = true } },
  { "schedule_to_close_timeout", seconds }, { "heartbeat_timeout", seconds }, { "retry_policy", retry_policy },
  { "input", payloads, true }, { "result", payloads, true }, { "details", details, true }, { "failure", failure, true },
  { "last_failure", failure, true }, { "cause", text, true }, { "reason", text, true },
  { "timeout_type", function(value) return words.of_enum(value, "TIMEOUT_TYPE_") end },
}

local function fields_of(name, attributes)
  local fields = {}
  for _, field in ipairs(FIELDS) do
    local key, read, brief, only = unpack(field)
    local value = attributes[key]
    local shown
    if value ~= nil and (not only or only[name]) then shown = read(value) end
    if shown ~= nil then fields[#fields + 1] = { name = key:gsub("_", " "), value = shown, brief = brief } end
  end
  return fields
end

-- --- records ---

--- An event, read.
---@param event table  temporal.api.history.v1.HistoryEvent
---@return { id: integer, at: number, name: string, fields: { name: string, value: any, brief: boolean? }[] } record
function history.record(event)
  local name, attributes = name_of(event), attributes_of(event)
  local record = { id = event.event_id, at = event.event_time, name = name, fields = {} }
  local pin = versions.pin(event)
  if pin then
    record.fields = { { name = "runs on", value = pin.entry .. "@" .. versions.short(pin.hash), brief = true } }
    return record
  end
  record.fields = fields_of(name, attributes)
  local failed = attributes.failure or attributes.last_failure
  local line = failed and place(failed)
  if line then table.insert(record.fields, { name = "line", value = line }) end
  return record
end

--- The line of one event: id, time, name, detail.
---@param event table  temporal.api.history.v1.HistoryEvent
---@return table row
function history.row(event)
  local record, parts = history.record(event), {}
  for _, field in ipairs(record.fields) do
    if field.brief then parts[#parts + 1] = field.name .. "=" .. output.brief(field.value, 160) end
  end
  return { record.id, output.time(record.at), record.name, table.concat(parts, "  ") }
end

return history

-- Lua errors <-> temporal.api.failure.v1.Failure, for workflows and activities.
--
-- An error object that came from a Failure keeps it in `failure`: raised again it travels unchanged.
-- Types keep their names: a Python ValueError is a ValueError here, and the other way round.

local converter = require "converter"
local errors = require "errors"
local utf8 = require("script").utf8

local M = {}

local SOURCE = "LuaSDK"
local DEEPEST_CAUSE = 20
local DEEPEST_FAILURE = 60 -- a chain that came from outside; peers, and we, refuse messages nested deeper than 100
local LONGEST_MESSAGE = 10000

-- --- to Failure ---

-- Temporal's text must be UTF-8; a script's error text may hold any bytes.
local function clean(text)
  text = tostring(text)
  if #text > LONGEST_MESSAGE then text = text:sub(1, LONGEST_MESSAGE) .. "..." end
  return utf8(text)
end

-- What cannot be sent must not hide the error: its type decides whether it is tried again.
local function details_of(details)
  if details == nil then return nil end
  local ok, payloads = pcall(converter.encode_list, { details }, 1)
  return ok and payloads or converter.encode_list({ "details that cannot be sent: " .. clean(payloads) }, 1)
end

local function application(err)
  return { application_failure_info = {
    type = err.type ~= nil and clean(err.type) or nil, non_retryable = err.non_retryable or nil, details = details_of(err.details),
    next_retry_delay = err.next_retry_delay_ms,
  } }
end

local function cancellation(err)
  return { canceled_failure_info = { details = details_of(err.details) } }
end

--- The stack without addresses, and without the library's own frames.
---@param stack? string from debug.traceback
---@return string|nil
function M.stack(stack)
  if not stack then return nil end
  local kept = {}
  for line in stack:gmatch("[^\n]+") do
    if line:find("^%s*%S+%.lua:%d+:") and not line:find("^%s*signalroom/") then
      kept[#kept + 1] = line:gsub("0x%x+", "?"):gsub("^%s+", "  ")
    end
  end
  return kept[1] and clean(table.concat(kept, "\n")) or nil
end

-- The failure with so many causes at most; itself when it has no more.
local function shortened(failure, causes)
  local deep, cause = 0, failure.cause
  while cause and deep <= causes do deep, cause = deep + 1, cause.cause end
  if deep <= causes then return failure end
  local copy = {}
  for key, value in pairs(failure) do copy[key] = value end
  copy.cause = causes > 0 and shortened(failure.cause, causes - 1) or nil
  return copy
end

local function from_error(err, stack, depth)
  if not errors.is(err) then
    return { message = clean(err), source = SOURCE, stack_trace = M.stack(stack),
      application_failure_info = { type = "LuaError" } }
  end
  if err.failure then return shortened(err.failure, DEEPEST_FAILURE - depth) end
  local failure = (err.type == "CancelledError" and cancellation or application)(err)
  failure.message, failure.source = clean(err.message or ""), SOURCE
  failure.stack_trace = M.stack(err.stack or stack)
  if err.cause ~= nil and depth < DEEPEST_CAUSE then failure.cause = from_error(err.cause, nil, depth + 1) end
  return failure
end

--- The Failure of anything that was raised.
---@param err any
---@param stack? string where it was raised, as debug.traceback gives it
---@return table failure
function M.from_error(err, stack)
  return from_error(err, stack, 1)
end

-- --- from Failure ---

-- Details in an encoding that nobody here knows are none to the script: the error itself is what it must hear.
local function details_from(payloads)
  local ok, values, n = pcall(converter.decode_list, payloads)
  if not ok then return nil end
  if n <= 1 then return values[1] end
  values.n = n
  return values
end

-- "TIMEOUT_TYPE_START_TO_CLOSE" -> "start_to_close"
local function word_of(enum, prefix)
  return enum and enum:gsub("^" .. prefix, ""):lower() or nil
end

local readers = {
  { "application_failure_info", function(at)
    return at.type and at.type ~= "" and at.type or "ApplicationError", { non_retryable = at.non_retryable or false,
      details = details_from(at.details), next_retry_delay_ms = at.next_retry_delay }
  end },
  { "timeout_failure_info", function(at)
    return "TimeoutError", { timeout_type = word_of(at.timeout_type, "TIMEOUT_TYPE_"),
      details = details_from(at.last_heartbeat_details) }
  end },
  { "canceled_failure_info", function(at) return "CancelledError", { details = details_from(at.details) } end },
  { "terminated_failure_info", function() return "TerminatedError", {} end },
  { "server_failure_info", function(at) return "ServerError", { non_retryable = at.non_retryable or false } end },
  { "reset_workflow_failure_info", function() return "ResetError", {} end },
  { "activity_failure_info", function(at)
    return "ActivityError", { activity_type = at.activity_type and at.activity_type.name, activity_id = at.activity_id,
      retry_state = word_of(at.retry_state, "RETRY_STATE_") }
  end },
  { "child_workflow_execution_failure_info", function(at)
    local execution = at.workflow_execution or {}
    return "ChildWorkflowError", { workflow_type = at.workflow_type and at.workflow_type.name,
      workflow_id = execution.workflow_id, run_id = execution.run_id,
      retry_state = word_of(at.retry_state, "RETRY_STATE_") }
  end },
  { "nexus_operation_execution_failure_info", function(at)
    return "NexusError", { endpoint = at.endpoint, service = at.service, operation = at.operation }
  end },
}

local function kind_of(failure)
  for _, reader in ipairs(readers) do
    local at = failure[reader[1]]
    if at then return reader[2](at) end
  end
  return "ApplicationError", { non_retryable = false }
end

--- The error object of a Failure.
---@param failure table
---@return table err
function M.to_error(failure)
  local kind, fields = kind_of(failure)
  fields.message, fields.failure = failure.message or "", failure
  fields.stack = failure.stack_trace
  if failure.cause then fields.cause = M.to_error(failure.cause) end
  return errors.new(kind, fields)
end

--- Whether an error means that something was cancelled, itself or in its causes.
---@param err any
---@return boolean
function M.is_cancellation(err)
  while errors.is(err) do
    if err.type == "CancelledError" then return true end
    if err.type ~= "ActivityError" and err.type ~= "ChildWorkflowError" then return false end
    err = err.cause
  end
  return false
end

return M

-- What a script finds in `activity`, besides defining activities.

local converter = require "converter"
local errors = require "errors"
local duration = require "duration"
local native = require "native.task"
local timer = require "native.timer"
local wait = require "wait"

local api = {}

--- Waits without keeping anybody else from running. Cancellation ends it. Beats meanwhile.
---@param length string|number "500ms", "30s", "5m" or seconds
function api.sleep(length)
  return wait(timer.sleep(duration.ms(length, "activity.sleep")))
end

--- Tells the server that the activity is alive, and keeps details for the next attempt (activity.details). Sent at most
--- every 0.8 of the heartbeat timeout. Waiting for http, pg, file or sleep beats by itself, with the details given last.
---@param ... any JSON values
function api.heartbeat(...)
  native.heartbeat(converter.encode_list({ ... }, select("#", ...)) or {})
end

local function task()
  return native.state() or error(errors.ValueError("this call is for activities: no activity task runs here"), 0)
end

--- What the last attempt gave to activity.heartbeat, nothing in the first attempt.
---@return any ...
function api.details()
  local ok, values, n = pcall(converter.decode_list, task().poll.heartbeat_details)
  if ok then return unpack(values, 1, n) end
  error(errors.ApplicationError { type = "DecodeError", non_retryable = true,
    message = "the last attempt's details cannot be read: " .. tostring(values) }, 0)
end

--- Whether somebody asked this activity to end. Calls that wait raise CancelledError then, once; a script that
--- calculates for long asks here.
---@return boolean
---@return string? reason cancel_requested, timed_out, not_found, paused, reset or worker_shutdown
function api.cancelled()
  local reason = native.reason()
  return reason ~= nil, reason
end

local function seconds(ms)
  return ms and ms / 1000
end

local function describe(poll)
  local execution = poll.workflow_execution
  return {
    activity_id = poll.activity_id,
    activity_type = poll.activity_type.name,
    attempt = poll.attempt,
    namespace = poll.workflow_namespace,
    workflow_id = execution and execution.workflow_id,
    run_id = execution and execution.run_id,
    workflow_type = poll.workflow_type and poll.workflow_type.name,
    in_workflow = execution ~= nil,
    activity_run_id = poll.activity_run_id,
    scheduled_at = seconds(poll.scheduled_time),
    attempt_scheduled_at = seconds(poll.current_attempt_scheduled_time),
    started_at = seconds(poll.started_time),
    start_to_close = seconds(poll.start_to_close_timeout),
    schedule_to_close = seconds(poll.schedule_to_close_timeout),
    heartbeat = seconds(poll.heartbeat_timeout),
    is_local = false,
  }
end

--- Who runs: activity_id, activity_type, attempt (from 1), namespace, workflow_id, run_id, workflow_type, in_workflow,
--- times in seconds since 1970 (scheduled_at, attempt_scheduled_at, started_at) and timeouts in seconds.
---@return table
function api.info()
  local state = task()
  state.info = state.info or describe(state.poll)
  return state.info
end

return api

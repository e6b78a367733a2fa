-- Activities: the command that schedules one, its answer, its cancellation (docs/protocol.md).

local S = require "workflow.scheduler"
local converter = require "converter"
local duration = require "duration"
local errors = require "errors"
local failure = require "failure"
local future = require "workflow.future"
local options = require "options"
local mistake = require "mistake"

local M = {}

local SCHEDULE_ACTIVITY, CANCEL_ACTIVITY = 1, 2 -- enum command_type
local KIND_NORMAL = 1 -- TaskQueueKind
local DEFAULT_START_TO_CLOSE_MS = 10 * 60 * 1000
local DEFAULT_HEARTBEAT_MS = 60 * 1000

local MODES = { try = 0, wait = 1, abandon = 2 } -- enum cancel_mode

local KNOWN = { start_to_close = true, schedule_to_close = true, schedule_to_start = true, heartbeat = true,
  retry = true, task_queue = true, id = true, cancel = true, args = true, summary = true }
local RETRY_KNOWN = { initial = true, factor = true, max = true, attempts = true, never = true }

local NO_OPTIONS = {}

-- 1 s, doubled up to 5 min, 5 attempts; a wrong value or key does not get better by waiting.
local DEFAULT_RETRY = { initial_interval = 1000, backoff_coefficient = 2.0, maximum_interval = 300000,
  maximum_attempts = 5, non_retryable_error_types = { "ValueError", "KeyError" } }

local function retry_policy(retry)
  if retry == nil then return DEFAULT_RETRY end
  options.check(retry, RETRY_KNOWN, "retry")
  local policy = {}
  for key, value in pairs(DEFAULT_RETRY) do policy[key] = value end
  if retry.initial then policy.initial_interval = duration.ms(retry.initial, "retry.initial") end
  if retry.max then policy.maximum_interval = duration.ms(retry.max, "retry.max") end
  policy.backoff_coefficient = retry.factor or policy.backoff_coefficient
  policy.maximum_attempts = retry.attempts or policy.maximum_attempts
  if retry.never then
    policy.non_retryable_error_types = {}
    for i = 1, #retry.never do policy.non_retryable_error_types[i] = tostring(retry.never[i]) end
  end
  return policy
end

local function optional_ms(o, key)
  local value = o[key]
  return value and duration.ms(value, key) or nil
end

--- One input, or the option args for several arguments, as Payloads.
function M.input_of(input, args)
  if args == nil then
    if input == nil then return nil end
    return { payloads = { converter.encode(input) } }
  end
  if input ~= nil then mistake("give an input or the option args, not both") end
  return converter.encode_list(args, args.n or #args)
end

-- Read by the host alone, so one table serves all.
local function own_queue(run)
  run.queue = run.queue or { name = run.info.task_queue, kind = KIND_NORMAL }
  return run.queue
end

-- The runtime beats whenever an activity waits, so a lost worker is noticed within a minute unless the script says
-- otherwise; 0 asks for no heartbeats.
local function heartbeat_ms(o, longest)
  return optional_ms(o, "heartbeat") or (longest > DEFAULT_HEARTBEAT_MS and DEFAULT_HEARTBEAT_MS or nil)
end

local function attributes_of(run, name, id, input, o)
  local start_to_close = optional_ms(o, "start_to_close")
  local schedule_to_close = optional_ms(o, "schedule_to_close")
  if not start_to_close and not schedule_to_close then start_to_close = DEFAULT_START_TO_CLOSE_MS end
  return {
    activity_id = id,
    activity_type = { name = name },
    task_queue = o.task_queue and { name = o.task_queue, kind = KIND_NORMAL } or own_queue(run),
    input = M.input_of(input, o.args),
    start_to_close_timeout = start_to_close,
    schedule_to_close_timeout = schedule_to_close,
    schedule_to_start_timeout = optional_ms(o, "schedule_to_start"),
    heartbeat_timeout = heartbeat_ms(o, start_to_close or schedule_to_close),
    retry_policy = retry_policy(o.retry),
  }
end

-- The core answers a cancel: at once for "try" and "abandon", with the activity's own end for "wait". A
-- second one is nothing to it.
local function cancel_activity(run, activity)
  activity.cancelling = true
  S.command { type = CANCEL_ACTIVITY, seq = activity.seq, mode = activity.mode, place = S.place(run) }
end

local function check(name, input_options, what)
  if type(name) ~= "string" or name == "" then
    mistake(what .. " takes an activity's name, not " .. tostring(name))
  end
  local o = input_options or NO_OPTIONS
  if o ~= NO_OPTIONS then options.check(o, KNOWN, what) end
  local mode = MODES[o.cancel or "try"]
  if not mode then mistake('the option cancel is "try", "wait" or "abandon", not ' .. tostring(o.cancel)) end
  return o, mode
end

-- The server refuses the task for it, over and over. Only scripts that give ids need the look.
local function check_id(run, id)
  for _, activity in pairs(run.activities or {}) do
    if activity.id == id and not activity.cancelling then
      mistake(("an activity with the id %q has not ended yet; each needs an id of its own"):format(id))
    end
  end
end

--- Schedules an activity. Returns its future.
function M.start(run, fiber, name, input, activity_options, what)
  S.check_scope(fiber)
  local o, mode = check(name, activity_options, what)
  local seq = run.activity_seq + 1
  local id = o.id or tostring(seq)
  run.gives_ids = run.gives_ids or o.id ~= nil
  if run.gives_ids then check_id(run, id) end
  local attributes = attributes_of(run, name, id, input, o)
  run.activity_seq = seq
  local activity = future.new(run, fiber.scope, cancel_activity, seq)
  activity.mode, activity.name, activity.id = mode, name, id
  run.activities = run.activities or {}
  run.activities[seq] = activity
  S.command { type = SCHEDULE_ACTIVITY, seq = seq, key = id, name = name, mode = mode, place = S.place(run),
    attributes = attributes, metadata = o.summary and { summary = converter.encode(o.summary) } }
  return activity
end

-- --- its answer ---

local TEXTS = { failed = "Activity task failed", timed_out = "Activity task timed out", canceled = "Activity cancelled" }

-- A cancelled activity has no Failure of its own in history.
local function cause_of(job)
  local attributes = job.attributes or {}
  if attributes.failure then return attributes.failure end
  return { message = TEXTS.canceled, source = "LuaSDK", canceled_failure_info = { details = attributes.details } }
end

local function error_of(activity, job)
  local cause = cause_of(job)
  local state = job.attributes and job.attributes.retry_state
  return errors.new("ActivityError", {
    message = TEXTS[job.outcome], activity_type = activity.name, activity_id = activity.id,
    retry_state = state and state:gsub("^RETRY_STATE_", ""):lower() or nil,
    cause = failure.to_error(cause),
    failure = { message = TEXTS[job.outcome], source = "LuaSDK", cause = cause, activity_failure_info = {
      scheduled_event_id = job.scheduled_id, started_event_id = job.started_id,
      identity = job.attributes and job.attributes.identity,
      activity_type = { name = activity.name }, activity_id = activity.id, retry_state = state } },
  })
end

--- Settles an activity's future from the job's outcome: completed, failed, timed_out or canceled.
function M.resolve(run, job)
  local activity = run.activities and run.activities[job.seq]
  if not activity then
    return S.fail_task(run, failure.from_error(("an answer came for activity %d, which is not waiting"):format(job.seq)))
  end
  run.activities[job.seq] = nil
  if job.outcome ~= "completed" then return S.resolve(run, activity, false, error_of(activity, job)) end
  local ok, value = pcall(converter.decode_first, job.result)
  if not ok then
    return S.fail_task(run, failure.from_error(("the result of activity %s cannot be read: %s"):format(activity.name,
      tostring(value))))
  end
  S.resolve(run, activity, true, value)
end

return M

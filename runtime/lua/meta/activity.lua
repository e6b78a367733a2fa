---@meta activity
-- What an editor knows about `activity`. The module itself is runtime/lua/activity/.
--
-- An activity is where work is done: requests, databases, files. It may be retried, so it should come to the same when
-- it is run twice. Every task gets a run of its script of its own: what a script keeps at its top level (a `local`
-- outside of functions) belongs to one task; modules that it requires are shared by all tasks.
--
-- What it raises is the failure that the workflow sees, by type; errors with non_retryable = true are never retried.

---@class ActivityDefinition
---@field run fun(...): any is given the arguments; what it returns, a JSON value, is the result

---Defines an activity, at the top level of a script: `activity "name" { run = function(input) ... end }`.
---@class activitylib
---@overload fun(name: string): fun(definition: ActivityDefinition)
activity = {}

---Waits without keeping anything else from running. Cancellation ends it.
---@param length string|number "500ms", "30s", "5m" or seconds
function activity.sleep(length) end

---Keeps details for the next attempt (activity.details) and tells the server that the activity is alive. That it is
---alive is told by itself while it waits, for http, pg, file or sleep, with the details given last; an activity that
---calculates for long has to say so.
---@param ... any JSON values
function activity.heartbeat(...) end

---What the last attempt gave to activity.heartbeat; nothing in the first attempt.
---@return any ...
function activity.details() end

---Whether somebody asked this activity to end, and why. The call that waits then, or the next one, raises CancelledError,
---once: what cleans up may wait again. Whoever calculates for long asks here.
---@return boolean
---@return "cancel_requested"|"timed_out"|"not_found"|"paused"|"reset"|"worker_shutdown"|nil reason
function activity.cancelled() end

---@class ActivityInfo
---@field activity_id string
---@field activity_type string
---@field attempt integer from 1
---@field namespace string
---@field workflow_id? string nil for an activity that no workflow started
---@field run_id? string
---@field workflow_type? string
---@field in_workflow boolean
---@field activity_run_id? string of an activity that no workflow started
---@field scheduled_at number seconds since 1970: the first attempt
---@field attempt_scheduled_at number seconds since 1970: this attempt
---@field started_at number seconds since 1970
---@field start_to_close? number seconds
---@field schedule_to_close? number seconds
---@field heartbeat? number seconds
---@field is_local boolean

---Who runs, and under which limits.
---@return ActivityInfo
function activity.info() end

return activity

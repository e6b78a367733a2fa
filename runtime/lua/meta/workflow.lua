---@meta workflow
-- What an editor knows about `workflow`. The module itself is runtime/lua/workflow/.
--
-- A workflow is code that outlives its process: what it has done is in the server's history, and after a
-- crash, or on another worker, it is run again from the start against that history until it stands where it
-- stood. So it must do the same every time: what changes from one time to the next (files, network, the clock,
-- chance) it reaches through `workflow`. Durations are "500ms", "30s", "5m", "1h30m", "2d" or a number of
-- seconds; an unknown option key is an error that names the nearest known one.
--
-- A typed error that nobody catches (ValueError, ActivityError, ...) fails the workflow. Any other error is a
-- mistake in the code: it fails the workflow task, which is tried again until the code is mended.

---@class WorkflowDefinition
---@field run fun(...): any main; what it returns is the workflow's result
---@field signals? table<string, fun(...)> what runs for each signal of a name
---@field queries? table<string, fun(...): any> what answers a query; must only read

---Defines a workflow, at the top level of a script: `workflow "Name" { run = function(input) ... end }`.
---@class workflowlib
---@overload fun(name: string): fun(definition: WorkflowDefinition)
workflow = {}

---@class RetryOptions
---@field initial? string|number the first backoff; default "1s"
---@field factor? number each backoff is the one before times this; default 2
---@field max? string|number no backoff is longer; default "5m"
---@field attempts? integer all attempts, the first one too; 0: without end; default 5
---@field never? string[] error types that are not retried; default { "ValueError", "KeyError" }

---@class ActivityOptions
---@field start_to_close? string|number how long one attempt may take; default "10m" without schedule_to_close
---@field schedule_to_close? string|number how long all attempts together may take; default: no limit
---@field schedule_to_start? string|number how long it may wait for a worker; default: no limit
---@field heartbeat? string|number the longest silence of a running attempt; default "60s" when it may take longer than that; 0 for none
---@field retry? RetryOptions
---@field task_queue? string default: the workflow's own
---@field id? string unique among the run's open activities; default: its number
---@field args? table several arguments instead of one input: { 1, "b" }, with `n` when nil is among them
---@field summary? string one line for people, shown by the Temporal UI
---@field cancel? "try"|"wait"|"abandon" what cancelling does. "try" (default): asks the activity to stop and does not
---wait for it; "wait": asks and waits for its end; "abandon": leaves it running and does not wait

---Something that will have a result: an activity, a timer, a spawned function.
---@class Future
local Future = {}

---Waits for the result; raises the error there is instead. In a cancelled scope raises CancelledError, unless the
---future itself is being cancelled: then its own end is waited for.
---@return any
function Future:wait() end

---Asks for cancellation. Does nothing when it is done.
---@param reason? string
function Future:cancel(reason) end

---Whether wait() would return at once.
---@return boolean
function Future:done() end

---@class Scope
local Scope = {}

---Cancels everything that was begun in the scope.
---@param reason? string the message of the CancelledError
function Scope:cancel(reason) end

---The signals of one name that no handler takes.
---@class SignalChannel
local SignalChannel = {}

---Takes the oldest waiting signal, or waits for one.
---@param timeout? string|number "30s", "5m" or seconds; default: no limit
---@return any argument the signal's first argument
---@return boolean received false when the time was up
function SignalChannel:receive(timeout) end

---How many signals wait.
---@return integer
function SignalChannel:waiting() end

---@class WorkflowInfo
---@field workflow_id string
---@field run_id string
---@field workflow_type string
---@field namespace string
---@field task_queue string
---@field attempt integer from 1; more when the workflow itself is retried
---@field started_at number seconds since 1970
---@field first_run_id string? of the first run in a chain of continued or retried ones
---@field continued_run_id string? of the run that this one continues
---@field cron_schedule string?
---@field run_timeout number? seconds
---@field execution_timeout number? seconds
---@field parent { workflow_id: string, run_id: string }?
---@field history_length integer events up to the current task
---@field history_bytes integer
---@field continue_as_new_suggested boolean the server thinks history is long enough

---Runs an activity and waits for its result.
---
---Raises ActivityError { activity_type, activity_id, retry_state, cause } when it failed; the cause is the error that it
---raised, of its own type, or a TimeoutError { timeout_type } or CancelledError.
---@param name string
---@param input? any its one argument: anything that JSON can hold, or workflow.bytes
---@param options? ActivityOptions
---@return any result
function workflow.call(name, input, options) end

---Begins an activity without waiting.
---@param name string
---@param input? any
---@param options? ActivityOptions
---@return Future
function workflow.start(name, input, options) end

---Waits. A time of 0 or less returns at once.
---@param time string|number "30s", "5m", "2h" or seconds
function workflow.sleep(time) end

---Begins a timer without waiting.
---@param time string|number "30s", "5m", "2h" or seconds
---@return Future
function workflow.timer(time) end

---Waits until a condition holds. It is asked whenever something happened, in the order in which the waits began, and
---must only read.
---@param condition fun(): any
---@param timeout? string|number "30s", "5m" or seconds; default: no limit
---@return boolean holds false when the time was up and the condition does not hold
function workflow.await(condition, timeout) end

---Runs a function beside the caller; it begins when the caller waits. A typed error is raised where its future is
---waited for.
---@param fn fun(...): any
---@param ... any its arguments
---@return Future
function workflow.spawn(fn, ...) end

---Waits until one of the futures is done.
---@param futures Future[]
---@return integer index of the first done one in the list
---@return Future future
function workflow.wait_any(futures) end

---Waits until all futures are done, or one failed: then its error is raised.
---@param futures Future[]
---@return any[] values in the list's order; `n` is how many
function workflow.wait_all(futures) end

---Runs fn(scope, ...) in a scope of its own, which it, or whoever got hold of it, can cancel.
---@param fn fun(scope: Scope, ...): ...
---@return any ... what fn returned
function workflow.scope(fn, ...) end

---Runs fn(...) where no cancellation from outside reaches: for cleaning up.
---@param fn fun(...): ...
---@return any ... what fn returned
function workflow.shield(fn, ...) end

---Runs fn(scope, ...) in a scope that is cancelled when the time is up; then raises TimeoutError.
---@param time string|number "30s", "5m", "2h" or seconds
---@param fn fun(scope: Scope, ...): ...
---@return any ... what fn returned
function workflow.timeout(time, fn, ...) end

---Whether the scope of the caller is cancelled.
---@return boolean
function workflow.cancelled() end

---Registers what runs for each signal of a name, those that wait included.
---@param name string
---@param handler fun(...)|nil nil removes it
function workflow.on_signal(name, handler) end

---The signals of a name, to be received one by one.
---@param name string
---@return SignalChannel
function workflow.signal(name) end

---Registers what answers a query. It must only read.
---@param name string
---@param handler (fun(...): any)|nil nil removes it
function workflow.on_query(name, handler) end

---The time of the current workflow task: the same on every replay.
---@return number seconds since 1970
function workflow.now() end

---A random number in [0, 1): the same on every replay. math.random draws from the same stream.
---@return number
function workflow.random() end

---A random UUID: the same on every replay.
---@return string
function workflow.uuid() end

---What the run knows about itself.
---@return WorkflowInfo
function workflow.info() end

---Writes a line to the worker's log. Silent in replay.
---@param format string as string.format
---@param ... any
function workflow.log(format, ...) end

---The same as a warning.
---@param format string
---@param ... any
function workflow.log_warning(format, ...) end

---@class ContinueOptions
---@field args? table several arguments instead of one input
---@field workflow? string another workflow's name
---@field task_queue? string
---@field run_timeout? string|number how long the next run may take; default: as this one
---@field task_timeout? string|number how long one of its workflow tasks may take; default: as this one

---Ends this run and begins another with a fresh history. Never returns, and no pcall notices.
---@param input? any
---@param options? ContinueOptions
function workflow.continue_as_new(input, options) end

---Marks a string as bytes, so that it travels as binary/plain and not as JSON text.
---@param text string
---@return { data: string }
function workflow.bytes(text) end

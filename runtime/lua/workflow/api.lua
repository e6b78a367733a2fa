-- What scripts see as `workflow`. Every run has its own empty table that reads through to this one.

local S = require "workflow.scheduler"
local activities = require "workflow.activity"
local converter = require "converter"
local duration = require "duration"
local ending = require "workflow.ending"
local future = require "workflow.future"
local log = require "workflow.log"
local options = require "options"
local scopes = require "workflow.scope"
local signals = require "workflow.signal"
local timers = require "workflow.timer"
local mistake = require "mistake"

local CONTINUE_AS_NEW = 10 -- enum command_type

local api = {
  bytes = converter.bytes,
  scope = scopes.scope,
  shield = scopes.shield,
  timeout = scopes.timeout,
  wait_any = future.wait_any,
  wait_all = future.wait_all,
}

-- --- activities ---

--- Runs an activity and waits for its result.
---@param name string the activity's name
---@param input? any its one argument
---@param activity_options? ActivityOptions
---@return any result raises ActivityError with the failure as its cause; CancelledError in a cancelled scope
function api.call(name, input, activity_options)
  local run, fiber = S.acting("workflow.call")
  return future.wait(activities.start(run, fiber, name, input, activity_options, "workflow.call"), fiber)
end

--- Begins an activity without waiting.
---@param name string
---@param input? any
---@param activity_options? ActivityOptions
---@return Future future
function api.start(name, input, activity_options)
  local run, fiber = S.acting("workflow.start")
  return activities.start(run, fiber, name, input, activity_options, "workflow.start")
end

-- --- time ---

--- Waits. A time of 0 or less returns at once and leaves nothing in history.
---@param time string|number "30s", "2h" or seconds
function api.sleep(time)
  local run, fiber = S.acting("workflow.sleep")
  future.wait(timers.start(run, fiber, timers.wait_ms(time, "the time of workflow.sleep")), fiber)
end

--- Begins a timer without waiting.
---@param time string|number
---@return Future future
function api.timer(time)
  local run, fiber = S.acting("workflow.timer")
  return timers.start(run, fiber, timers.wait_ms(time, "the time of workflow.timer"))
end

--- Waits until a condition holds. It is asked whenever something happened, and must only read.
---@param condition fun(): any
---@param timeout? string|number without it, for ever
---@return boolean holds false when the time was up and the condition does not hold
function api.await(condition, timeout)
  local run, fiber = S.acting("workflow.await")
  if type(condition) ~= "function" then
    mistake("workflow.await takes a function, not a " .. type(condition))
  end
  if S.holds(condition) then return true end
  local ms = timeout and timers.wait_ms(timeout, "the timeout of workflow.await")
  if ms == 0 then return false end
  S.check_scope(fiber)
  local timer = ms and timers.start(run, fiber, ms)
  if S.await(run, fiber, condition, timer) then return S.holds(condition) end
  if timer then timers.stop(run, timer) end
  return true
end

--- The time of the workflow: that of its current task, the same on every replay.
---@return number seconds since 1970-01-01T00:00:00Z
function api.now()
  S.here("workflow.now")
  return S.moment.now_ms / 1000
end

-- --- fibers ---

--- Runs fn(...) beside the caller, beginning when the caller waits. Its error is raised where the future is
--- waited for; a mistake in its code fails the workflow task.
---@param fn fun(...): any
---@return Future future
function api.spawn(fn, ...)
  local run, fiber = S.acting("workflow.spawn")
  if type(fn) ~= "function" then mistake("workflow.spawn takes a function, not a " .. type(fn)) end
  S.check_scope(fiber)
  local scope = scopes.new(fiber.scope)
  local spawned = S.fiber(run, "spawned", scope, ending.spawned_ended, fn, { n = select("#", ...), ... })
  spawned.future = future.new(run, scope, function(_, _, reason) S.cancel_scope(run, scope, reason) end)
  S.enqueue(spawned)
  return spawned.future
end

--- Whether the scope of the caller is cancelled: with the workflow, a scope around it, or its own.
---@return boolean
function api.cancelled()
  S.here("workflow.cancelled")
  return S.cancelled(S.scope())
end

-- --- signals and queries ---

local function check_name(name, what)
  if type(name) ~= "string" or name == "" then mistake(what .. " takes a name") end
  if name:find("^__temporal_") then mistake("names that begin with __temporal_ are Temporal's own") end
end

local function check_handler(name, handler, what)
  check_name(name, what)
  if handler ~= nil and type(handler) ~= "function" then
    mistake(("%s takes a function or nil, not a %s"):format(what, type(handler)))
  end
end

--- Registers what runs for each signal of a name, also for those that came before.
---@param name string
---@param handler fun(...)|nil nil removes it
function api.on_signal(name, handler)
  local run = S.acting("workflow.on_signal")
  check_handler(name, handler, "workflow.on_signal")
  signals.register(run, name, handler)
end

--- The signals of a name that no handler takes, to be received one by one.
---@param name string
---@return SignalChannel channel
function api.signal(name)
  check_name(name, "workflow.signal")
  return signals.channel(name)
end

--- Registers what answers a query. It must only read.
---@param name string
---@param handler fun(...): any|nil nil removes it
function api.on_query(name, handler)
  local run = S.acting("workflow.on_query")
  check_handler(name, handler, "workflow.on_query")
  run.queries = run.queries or {}
  run.queries[name] = handler
end

-- --- the run ---

--- A random number that is the same on every replay.
---@return number in [0, 1)
function api.random()
  return S.here("workflow.random").host.random()
end

--- A random UUID that is the same on every replay.
---@return string
function api.uuid()
  return S.here("workflow.uuid").host.uuid4()
end

--- What the run knows about itself.
---@return WorkflowInfo
function api.info()
  local run, moment, copy = S.here("workflow.info"), S.moment, {}
  for key, value in pairs(run.info) do copy[key] = value end
  copy.continued_memo, copy.continued_search_attributes, copy.continued_retry_policy = nil, nil, nil
  copy.history_length, copy.history_bytes = moment.history_length, moment.history_bytes
  copy.continue_as_new_suggested = moment.suggest_continue_as_new
  return copy
end

local function written(format, ...)
  return select("#", ...) > 0 and S.format(format, ...) or tostring(format)
end

--- Writes a line to the worker's log; silent in replay.
---@param format string as string.format
function api.log(format, ...)
  log(S.here("workflow.log"), "info", written(format, ...))
end

--- As workflow.log, as a warning.
---@param format string
function api.log_warning(format, ...)
  log(S.here("workflow.log_warning"), "warning", written(format, ...))
end

local CONTINUE_KNOWN = { args = true, task_queue = true, workflow = true, run_timeout = true, task_timeout = true }

--- Ends this run and begins another of the same workflow. Never returns, and no pcall notices.
---@param input? any the new run's input
---@param new_options? { args?: table, task_queue?: string, workflow?: string, run_timeout?: string|number, task_timeout?: string|number }
function api.continue_as_new(input, new_options)
  local run = S.acting("workflow.continue_as_new")
  local o = new_options or {}
  options.check(o, CONTINUE_KNOWN, "workflow.continue_as_new")
  local name = o.workflow or run.info.workflow_type
  S.close(run, { type = CONTINUE_AS_NEW, name = name, place = S.place(run), attributes = {
    workflow_type = { name = name },
    task_queue = { name = o.task_queue or run.info.task_queue },
    input = activities.input_of(input, o.args),
    workflow_run_timeout = o.run_timeout and duration.ms(o.run_timeout, "run_timeout"),
    workflow_task_timeout = o.task_timeout and duration.ms(o.task_timeout, "task_timeout"),
    retry_policy = run.info.continued_retry_policy,
    memo = run.info.continued_memo,
    search_attributes = run.info.continued_search_attributes,
  } })
  S.vanish()
end

return api

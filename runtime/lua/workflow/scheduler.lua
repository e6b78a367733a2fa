-- One run's fibers and what wakes them (temporal-worker spec 2.7). Main, every signal handler and every
-- workflow.spawn is a fiber: a coroutine that runs until it parks. Ready fibers run first in, first out;
-- when none is left, the conditions of workflow.await are asked in the order they were made; both repeat
-- until nothing moves. That order is part of every recorded history and never changes.
--
-- All runs of a cell share this module: `S.run` is the one that is running now.

local coroutines = require "sandbox.coroutines"
local errors = require "errors"
local place = require("sandbox").place
local mistake = require "mistake"

local suspend, SUSPEND = coroutines.suspend, coroutines.SUSPEND
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local traceback = debug.traceback

local CONDITION = "in a condition of workflow.await"

local DONE = {} -- what a finished body returns first
local GONE = {} -- parks for ever: the fiber is dropped (continue-as-new)

local S = { run = false }

--- A run's state. Everything that belongs to one run hangs here and nowhere else.
function S.new(host)
  return {
    host = host, definitions = {},
    ready = {}, head = 1, tail = 0,
    fibers = {}, fiber_count = 0,
    conditions = {},
    commands = {}, command_count = 0,
    activities = {}, activity_seq = 0,
    timers = {}, timer_seq = 0,
    now_ms = 0, order = 0,
    scope = { cancelled = false },
  }
end

--- The run and the fiber that call `what`. Raises where the workflow may not act: in a query, in a
--- condition, at the top level of a script.
function S.acting(what)
  local run = S.run
  local fiber = run and run.fiber
  if fiber and not run.readonly then return run, fiber end
  mistake(("%s cannot be called %s"):format(what, run and run.readonly or "at the top level of a script"))
end

--- The run that calls `what`, also where it may only read.
function S.here(what)
  local run = S.run
  if run and not run.loading then return run end
  mistake(("%s cannot be called at the top level of a script"):format(what))
end

-- --- commands ---

-- A call in tail position has no frame left to name: then the workflow's own place.
local function place_of(run)
  local here = place()
  return here ~= "" and here or run.places[run.info.workflow_type]
end

--- Adds a command to what this activation asks for; its script line is for errors of determinism.
function S.command(run, command)
  command.place = place_of(run)
  local n = run.command_count + 1
  run.commands[n], run.command_count = command, n
  return command
end

--- The command that closes the run; the first one counts, and it goes out last.
function S.close(run, command)
  command.place = place_of(run)
  run.terminal = run.terminal or command
end

--- Fails the workflow task with a Failure: the code is wrong, not the workflow.
function S.fail_task(run, failure)
  run.failure = run.failure or failure
end

-- --- fibers ---

local function body(fn, ...) return DONE, fn(...) end

--- A new fiber, for S.enqueue or S.step. `ended(run, fiber, ok, value, stack)` hears how it ends.
function S.fiber(run, name, scope, ended, fn, args, n)
  local id = run.fiber_count + 1
  local fiber = { id = id, name = name, co = create(body), scope = scope, ended = ended, fn = fn, args = args, n = n }
  run.fibers[id], run.fiber_count = fiber, id
  return fiber
end

--- A fiber, or anything with `deliver(run)`, at the end of the ready queue.
function S.enqueue(run, entry)
  run.tail = run.tail + 1
  run.ready[run.tail] = entry
end

--- Parks the running fiber until S.wake; returns or raises what it is woken with.
function S.park(fiber, target)
  fiber.target = target
  local ok, value = suspend()
  if not ok then error(value, 0) end
  return value
end

--- Parks the running fiber for ever. No pcall of a script can notice.
function S.vanish()
  suspend(GONE)
end

function S.wake(run, fiber, ok, value)
  fiber.target, fiber.ok, fiber.value = nil, ok, value
  local tail = run.tail + 1
  run.tail = tail
  run.ready[tail] = fiber
end

local function forget(run, fiber)
  run.fibers[fiber.id] = nil
end

local function settle(run, fiber, ok, first, second)
  run.fiber = nil
  if ok and first == SUSPEND then
    if second == GONE then forget(run, fiber) end
    return
  end
  forget(run, fiber)
  if ok and first == DONE then return fiber.ended(run, fiber, true, second) end
  if ok then first = "coroutine.yield was called outside of a coroutine that the script made" end
  return fiber.ended(run, fiber, false, first, traceback(fiber.co))
end

--- Runs a fiber until it parks or ends.
function S.step(run, fiber)
  run.fiber = fiber
  local fn = fiber.fn
  if fn then
    local args, n = fiber.args, fiber.n
    fiber.fn, fiber.args, fiber.n = nil, nil, nil
    return settle(run, fiber, resume(fiber.co, fn, unpack(args or {}, 1, n or 0)))
  end
  return settle(run, fiber, resume(fiber.co, fiber.ok, fiber.value))
end

-- --- reading without acting: conditions and queries ---

local asker -- one coroutine asks all conditions of a cell; a script's error costs it

local function ask(fn)
  while true do fn = yield(DONE, fn()) end
end

--- Calls fn where nothing may be done. Returns ok, value, stack.
function S.read(run, where, fn)
  local fiber, readonly = run.fiber, run.readonly
  run.fiber, run.readonly = nil, where
  local co = asker or create(ask)
  asker = nil
  local ok, first, value = resume(co, fn)
  run.fiber, run.readonly = fiber, readonly
  if ok and first == DONE then
    asker = co
    return true, value
  end
  if ok then first = "coroutine.yield was called outside of a coroutine that the script made" end
  return false, first, traceback(co)
end

--- Waits until the predicate holds or the timer has fired.
function S.await(run, fiber, predicate, timer)
  local condition = { fiber = fiber, predicate = predicate }
  run.conditions[#run.conditions + 1] = condition
  if timer then S.watch(timer, condition) end
  return S.park(fiber, condition)
end

--- Whether a condition holds now.
function S.holds(run, predicate)
  local ok, value = S.read(run, CONDITION, predicate)
  if not ok then error(value, 0) end
  return value and true or false
end

local function wake_conditions(run)
  local conditions, kept, woken = run.conditions, 0, false
  local count = #conditions
  for i = 1, count do
    local condition = conditions[i]
    conditions[i] = nil
    local fiber = condition.fiber
    if fiber.target == condition then
      local ok, value = S.read(run, CONDITION, condition.predicate)
      if ok and not value then
        kept = kept + 1
        conditions[kept] = condition
      else
        woken = true
        S.wake(run, fiber, ok, ok or value)
      end
    end
  end
  return woken
end

-- --- futures ---

--- Settles a future once and wakes who waits, first come, first served.
function S.resolve(run, future, ok, value)
  if future.ok ~= nil then return end
  future.ok, future.value = ok, value
  local waiter, waiters = future.waiter, future.waiters
  future.waiter, future.waiters = nil, nil
  if waiter and waiter.target == future then S.wake(run, waiter, true, future) end
  for i = 1, waiters and #waiters or 0 do
    local watch = waiters[i]
    if watch.settled then
      watch.settled(run, watch, future)
    elseif watch.fiber.target == watch then
      S.wake(run, watch.fiber, true, future)
    end
  end
end

--- When the future is settled, wakes `watch.fiber` if it is still parked on `watch`, or calls
--- `watch.settled(run, watch, future)`.
function S.watch(future, watch)
  local waiters = future.waiters
  if not waiters then
    waiters = {}
    future.waiters = waiters
  end
  waiters[#waiters + 1] = watch
end

-- --- scopes ---

--- Whether a scope, or one around it that it is not shielded from, is cancelled.
function S.cancelled(scope)
  while scope do
    if scope.cancelled then return true end
    if scope.shield then return false end
    scope = scope.parent
  end
  return false
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

--- The fibers that have not ended, in the order they began.
function S.living(run)
  local living = {}
  for _, id in ipairs(sorted_keys(run.fibers)) do living[#living + 1] = run.fibers[id] end
  return living
end

local function by_order(a, b) return a.order < b.order end

-- What is pending in cancelled scopes, in the order it was asked for.
local function cancelled_operations(run)
  local found = {}
  for _, pending in ipairs { run.activities, run.timers } do
    for _, seq in ipairs(sorted_keys(pending)) do
      local future = pending[seq]
      if not future.cancelling and S.cancelled(future.scope) then found[#found + 1] = future end
    end
  end
  table.sort(found, by_order)
  return found
end

local function outside(futures)
  for i = 1, #futures do
    if futures[i].ok == nil and not S.cancelled(futures[i].scope) then return true end
  end
  return false
end

-- A fiber's wait ends with a CancelledError unless what it waits for is being cancelled itself: then that
-- has the last word.
local function interrupted(fiber)
  local target = fiber.target
  if not target or not S.cancelled(fiber.scope) then return false end
  if target.futures then return outside(target.futures) end
  return not (target.scope and S.cancelled(target.scope))
end

--- Cancels a scope: once; operations first, then waits, each in order of creation.
function S.cancel_scope(run, scope, reason)
  if scope.cancelled then return end
  scope.cancelled, scope.reason = true, reason
  for _, future in ipairs(cancelled_operations(run)) do future.cancel_operation(run, future, reason) end
  for _, fiber in ipairs(S.living(run)) do
    if interrupted(fiber) then S.wake(run, fiber, false, S.cancelled_error(fiber.scope)) end
  end
end

--- The error that a wait in a cancelled scope raises.
function S.cancelled_error(scope)
  while scope and not scope.cancelled do scope = scope.parent end
  return errors.new("CancelledError", { message = scope and scope.reason or "cancelled" })
end

--- Raises when the fiber's scope is cancelled: nothing new may begin in it.
function S.check_scope(fiber)
  if S.cancelled(fiber.scope) then error(S.cancelled_error(fiber.scope), 0) end
end

--- Raises when waiting for these futures in the fiber's cancelled scope would not end by itself.
function S.check_waiting(fiber, futures)
  if S.cancelled(fiber.scope) and outside(futures) then error(S.cancelled_error(fiber.scope), 0) end
end

-- --- the loop ---

--- Runs to quiescence, or to the first failure of the task.
function S.drain(run)
  local ready = run.ready
  repeat
    while run.head <= run.tail do
      local head = run.head
      local entry = ready[head]
      ready[head] = nil
      run.head = head + 1
      if entry.co then S.step(run, entry) else entry.deliver(run, entry) end
      if run.failure then return end
    end
    run.head, run.tail = 1, 0
  until not wake_conditions(run)
end

return S

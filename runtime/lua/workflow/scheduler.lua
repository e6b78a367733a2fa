-- Fibers and what wakes them (docs/protocol.md, Running the script). Main, every signal handler and every
-- workflow.spawn is a fiber: a coroutine that runs until it parks. Ready fibers run first in, first out;
-- when none is left, the conditions of workflow.await are asked in the order they were made; both repeat
-- until nothing moves. That order is part of every recorded history and never changes.
--
-- All runs of a cell share this module. What lasts from one activation to the next hangs on the run's own
-- table; what does not is in the locals below, and S.begin clears it, for an activation may be killed.

local coroutines = require "sandbox.coroutines"
local errors = require "errors"
local mistake = require "mistake"
local place = require("sandbox").place

local suspend, SUSPEND = coroutines.suspend, coroutines.SUSPEND
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local traceback = debug.traceback

local CONDITION = "in a condition of workflow.await"
local OUTSIDE = "coroutine.yield was called outside of a coroutine that the script made"

local DONE = {} -- what a finished body returns first
local GONE = {} -- parks for ever: the fiber is dropped (continue-as-new)

local S = { run = false, moment = false }

local running            -- the fiber that runs
local reading            -- where nothing may be done: "in a query"; nil elsewhere
local ready, head, tail  -- the ready queue
local commands, count    -- asked for so far; nil when there are none
local late               -- what is done when all jobs are applied; nil when there is nothing
local asker              -- one coroutine asks all conditions, in the run's own globals; an error costs it

--- A run's state.
function S.new(host)
  return { host = host, definitions = {}, places = {}, fibers = {}, scope = { cancelled = false },
    activity_seq = 0, timer_seq = 0, order = 0, fiber_count = 0 }
end

--- The run acts from here on; `moment` is what it may know (the activation).
function S.begin(run, moment)
  S.run, S.moment = run, moment
  running, reading, commands, late, asker = nil, nil, nil, nil, nil
  ready, head, tail = {}, 1, 0
end

--- The run and the fiber that call `what`. Raises where the workflow may not act: in a query, in a
--- condition, at the top level of a script.
function S.acting(what)
  if running and not reading then return S.run, running end
  mistake(("%s cannot be called %s"):format(what, reading or "at the top level of a script"))
end

--- The run that calls `what`, also where it may only read.
function S.here(what)
  local run = S.run
  if run and not run.loading then return run end
  mistake(("%s cannot be called at the top level of a script"):format(what))
end

--- The scope of the running fiber, the run's own where none runs.
function S.scope()
  return running and running.scope or S.run.scope
end

-- --- commands ---

-- Nearer than this no script can be: place itself, S.place, who makes the command.
local FIRST_LEVEL = 3

--- The script line that a command carries, for errors of determinism. A call in tail position has no frame
--- left to name: then it is the workflow's own.
function S.place(run)
  local here = place(FIRST_LEVEL)
  return here ~= "" and here or run.place
end

--- Adds a command to what this activation asks for.
function S.command(command)
  if not commands then commands, count = {}, 0 end
  count = count + 1
  commands[count] = command
end

--- The command that closes the run; the first one counts, and it goes out last.
function S.close(run, command)
  command.place = command.place or run.place
  run.terminal = run.terminal or command
end

--- What this activation asks for.
function S.commands(run)
  local list = commands or {}
  list[#list + 1] = run.terminal
  return list
end

--- Fails the workflow task with a Failure: the code is wrong, not the workflow.
function S.fail_task(run, failure)
  run.failure = run.failure or failure
end

-- --- fibers ---

local function body(fn, ...) return DONE, fn(...) end

--- A new fiber that calls fn with args.n arguments, for S.enqueue or S.step. `ended(run, fiber, ok, value, stack)`
--- hears how it ends.
function S.fiber(run, name, scope, ended, fn, args)
  local id = run.fiber_count + 1
  local fiber = { id = id, name = name, co = create(body), scope = scope, ended = ended, fn = fn, args = args }
  run.fibers[id], run.fiber_count = fiber, id
  return fiber
end

--- A fiber, or anything with `deliver(run, entry)`, at the end of the ready queue.
function S.enqueue(entry)
  tail = tail + 1
  ready[tail] = entry
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

function S.wake(fiber, ok, value)
  fiber.target, fiber.ok, fiber.value = nil, ok, value
  tail = tail + 1
  ready[tail] = fiber
end

local function settle(run, fiber, ok, first, second)
  running = nil
  if ok and first == SUSPEND then
    if second == GONE then run.fibers[fiber.id] = nil end
    return
  end
  run.fibers[fiber.id] = nil
  if ok and first == DONE then return fiber.ended(run, fiber, true, second) end
  if ok then first = OUTSIDE end
  return fiber.ended(run, fiber, false, first, traceback(fiber.co))
end

--- Runs a fiber until it parks or ends.
function S.step(run, fiber)
  running = fiber
  local fn = fiber.fn
  if not fn then return settle(run, fiber, resume(fiber.co, fiber.ok, fiber.value)) end
  local args = fiber.args
  fiber.fn, fiber.args = nil, nil
  return settle(run, fiber, resume(fiber.co, fn, unpack(args, 1, args.n)))
end

-- --- reading without acting: conditions and queries ---

local function ask(fn)
  while true do fn = yield(DONE, fn()) end
end

--- Calls fn where nothing may be done. Returns ok, value, stack.
function S.read(where, fn)
  local fiber, before = running, reading
  running, reading = nil, where
  local co = asker or create(ask)
  asker = nil
  local ok, first, value = resume(co, fn)
  running, reading = fiber, before
  if ok and first == DONE then
    asker = co
    return true, value
  end
  if ok then first = OUTSIDE end
  return false, first, traceback(co)
end

--- Whether a condition holds now.
function S.holds(condition)
  local ok, value = S.read(CONDITION, condition)
  if not ok then error(value, 0) end
  return value and true or false
end

--- Waits until the condition holds or the timer has fired; returns the timer when that woke it.
function S.await(run, fiber, predicate, timer)
  local condition = { fiber = fiber, predicate = predicate }
  local conditions = run.conditions
  if not conditions then
    conditions = {}
    run.conditions = conditions
  end
  conditions[#conditions + 1] = condition
  if timer then S.watch(timer, condition) end
  return S.park(fiber, condition)
end

local function wake_conditions(run)
  local conditions, kept, woken = run.conditions, 0, false
  for i = 1, conditions and #conditions or 0 do
    local condition = conditions[i]
    conditions[i] = nil
    local fiber = condition.fiber
    if fiber.target == condition then
      local ok, value = S.read(CONDITION, condition.predicate)
      if ok and not value then
        kept = kept + 1
        conditions[kept] = condition
      else
        woken = true
        S.wake(fiber, ok, not ok and value or nil)
      end
    end
  end
  return woken
end

-- --- futures ---

local function tell(run, future, watch)
  if watch.settled then return watch.settled(run, watch, future) end
  if watch.fiber.target == watch then S.wake(watch.fiber, true, future) end
end

--- Settles a future once and wakes who waits, first come, first served.
function S.resolve(run, future, ok, value)
  if future.ok ~= nil then return end
  future.ok, future.value = ok, value
  local waiter, watches = future.waiter, future.watches
  future.waiter, future.watches = false, nil
  if waiter and waiter.target == future then S.wake(waiter, true, future) end
  for i = 1, watches and #watches or 0 do tell(run, future, watches[i]) end
end

--- When the future is settled, wakes `watch.fiber` with it if it is still parked on `watch`, or calls
--- `watch.settled(run, watch, future)`.
function S.watch(future, watch)
  local watches = future.watches
  if not watches then
    watches = {}
    future.watches = watches
  end
  watches[#watches + 1] = watch
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

local cancelled = S.cancelled

local function by_order(a, b) return a.order < b.order end
local function by_id(a, b) return a.id < b.id end

--- The fibers that have not ended, in the order they began.
function S.living(run)
  local living = {}
  for _, fiber in pairs(run.fibers) do living[#living + 1] = fiber end
  table.sort(living, by_id)
  return living
end

-- What is pending in cancelled scopes, in the order it was asked for.
local function cancelled_operations(run)
  local found = {}
  for _, pending in ipairs { run.activities or {}, run.timers or {} } do
    for _, future in pairs(pending) do
      if cancelled(future.scope) then found[#found + 1] = future end
    end
  end
  table.sort(found, by_order)
  return found
end

local function outside(futures)
  for i = 1, #futures do
    if futures[i].ok == nil and not cancelled(futures[i].scope) then return true end
  end
  return false
end

-- A fiber's wait ends with a CancelledError unless what it waits for is being cancelled itself: then that
-- has the last word.
local function interrupted(fiber)
  local target = fiber.target
  if not target or not cancelled(fiber.scope) then return false end
  if target.futures then return outside(target.futures) end
  return not (target.scope and cancelled(target.scope))
end

--- Cancels a scope: once; operations first, then waits, each in order of creation.
function S.cancel_scope(run, scope, reason)
  if scope.cancelled then return end
  scope.cancelled, scope.reason = true, reason
  for _, future in ipairs(cancelled_operations(run)) do future.cancel_operation(run, future, reason) end
  for _, fiber in ipairs(S.living(run)) do
    if interrupted(fiber) then S.wake(fiber, false, S.cancelled_error(fiber.scope)) end
  end
end

--- The error that a wait in a cancelled scope raises.
function S.cancelled_error(scope)
  while scope and not scope.cancelled do scope = scope.parent end
  return errors.new("CancelledError", { message = scope and scope.reason or "cancelled" })
end

--- Raises when the fiber's scope is cancelled: nothing new may begin in it.
function S.check_scope(fiber)
  if cancelled(fiber.scope) then error(S.cancelled_error(fiber.scope), 0) end
end

--- Raises when waiting for these futures in the fiber's cancelled scope would not end by itself.
function S.check_waiting(fiber, futures)
  if cancelled(fiber.scope) and outside(futures) then error(S.cancelled_error(fiber.scope), 0) end
end

--- Does it when all jobs of the activation are applied: cancellations, so that a result of the same task is
--- not lost to one.
function S.later(act)
  late = late or {}
  late[#late + 1] = act
end

-- --- the loop ---

--- Runs to quiescence, or to the first failure of the task.
function S.drain(run)
  for i = 1, late and #late or 0 do late[i]() end
  repeat
    while head <= tail do
      local entry = ready[head]
      ready[head] = nil
      head = head + 1
      if entry.co then S.step(run, entry) else entry.deliver(run, entry) end
      if run.failure then return end
    end
  until not wake_conditions(run)
end

return S

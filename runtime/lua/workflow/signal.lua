-- Signals. Each begins a fiber of its own, or waits in the order of arrival until a handler is registered
-- or workflow.signal(name):receive() takes it. None is lost.

local S = require "workflow.scheduler"
local converter = require "converter"
local ending = require "workflow.ending"
local failure = require "failure"
local log = require "workflow.log"
local timers = require "workflow.timer"

local M = {}

local function signals_of(run)
  if not run.signals then run.signals = { handlers = {}, waiting = {}, receivers = {} } end
  return run.signals
end

local function handler_of(run, name)
  local registered = run.signals and run.signals.handlers[name]
  local declared = run.definition and run.definition.signals
  return registered or declared and declared[name]
end

-- A handler that was cancelled just ends; it is main that says how the run ends.
local function handler_ended(run, _, ok, err, stack)
  if not ok and not (run.scope.cancelled and failure.is_cancellation(err)) then ending.fail(run, err, stack) end
end

local function fiber_of(run, signal, handler)
  return S.fiber(run, "signal " .. signal.name, run.scope, handler_ended, handler, signal.values)
end

local function next_receiver(receivers)
  while receivers and receivers[1] do
    local receiver = table.remove(receivers, 1)
    if receiver.fiber.target == receiver then return receiver end
  end
end

-- Looked up when its turn comes, not when it arrives: main's first slice may register the handler.
local function deliver(run, signal)
  local handler = handler_of(run, signal.name)
  if handler then return S.step(run, fiber_of(run, signal, handler)) end
  local signals = signals_of(run)
  local receiver = next_receiver(signals.receivers[signal.name])
  if receiver then return S.wake(receiver.fiber, true, signal) end
  signals.waiting[#signals.waiting + 1] = signal
end

--- A signal arrived. One whose payload cannot be read is dropped with a warning: nobody could fix it.
function M.arrived(run, job)
  local attributes = job.attributes
  local ok, values, n = pcall(converter.decode_list, attributes.input)
  if not ok then
    return log(run, "warning", ("signal %s is dropped: %s"):format(attributes.signal_name, tostring(values)))
  end
  values.n = n
  S.enqueue { deliver = deliver, name = attributes.signal_name or "", values = values }
end

local function take(signals, name)
  for i, signal in ipairs(signals.waiting) do
    if signal.name == name then return table.remove(signals.waiting, i) end
  end
end

--- Registers a handler, or with nil removes it; what waits for it begins now, in the order of arrival.
function M.register(run, name, handler)
  local signals = signals_of(run)
  signals.handlers[name] = handler
  local signal = handler and take(signals, name)
  while signal do
    S.enqueue(fiber_of(run, signal, handler))
    signal = take(signals, name)
  end
end

---@class SignalChannel
local Channel = {}
local shape = { __index = Channel, __metatable = "signal channel" } -- apart: channel.__index would lead to what all share

--- The signals of one name that no handler takes.
function M.channel(name)
  return setmetatable({ name = name }, shape)
end

local function watch_timer(timer, receiver)
  if timer then S.watch(timer, receiver) end
  return receiver
end

local function wait(run, fiber, signals, name, timer)
  local receiver = watch_timer(timer, { fiber = fiber })
  signals.receivers[name] = signals.receivers[name] or {}
  table.insert(signals.receivers[name], receiver)
  local woken_by = S.park(fiber, receiver)
  if timer and woken_by == timer then return nil end
  if timer then timers.stop(run, timer) end
  return woken_by
end

--- Takes the oldest waiting signal, or waits for the next one.
---@param timeout? string|number how long to wait; without it, for ever
---@return any value the signal's first argument
---@return boolean received false when the time was up
function Channel:receive(timeout)
  local run, fiber = S.acting("signal:receive")
  local signals = signals_of(run)
  local signal = take(signals, self.name)
  if not signal then
    local ms = timeout and timers.wait_ms(timeout, "the timeout of receive")
    if ms == 0 then return nil, false end
    S.check_scope(fiber)
    signal = wait(run, fiber, signals, self.name, ms and timers.start(run, fiber, ms))
  end
  if not signal then return nil, false end
  return signal.values[1], true
end

--- How many signals of the name wait.
---@return integer
function Channel:waiting()
  local run, count = S.run, 0
  for _, signal in ipairs(run and run.signals and run.signals.waiting or {}) do
    if signal.name == self.name then count = count + 1 end
  end
  return count
end

local function is_awaited(receivers)
  for _, receiver in ipairs(receivers) do
    if receiver.fiber.target == receiver then return true end
  end
  return false
end

--- Names of the signals that have a handler or that a fiber waits for, sorted.
function M.names(run)
  local seen, names = {}, {}
  local function add(name)
    if not seen[name] then seen[name], names[#names + 1] = true, name end
  end
  for name in pairs(run.definition and run.definition.signals or {}) do add(name) end
  for name in pairs(run.signals and run.signals.handlers or {}) do add(name) end
  for name, receivers in pairs(run.signals and run.signals.receivers or {}) do
    if is_awaited(receivers) then add(name) end
  end
  table.sort(names)
  return names
end

return M

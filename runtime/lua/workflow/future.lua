-- What a workflow may wait for: an activity, a timer, a spawned function. A future is settled once, with a
-- value or an error, and stays so.

local S = require "workflow.scheduler"
local mistake = require "mistake"

local M = {}

---@class Future
local Future = {}
local shape = { __index = Future, __metatable = "future" } -- apart: future.__index would lead to what all runs share

--- A pending future. `cancel_operation(run, future, reason)` is what cancelling it means; `seq` is its number
--- among its kind.
function M.new(run, scope, cancel_operation, seq)
  local order = run.order + 1
  run.order = order
  return setmetatable({ scope = scope, order = order, cancel_operation = cancel_operation, seq = seq, waiter = false,
    seen = false, value = nil, ok = nil }, shape)
end

local function wait_for(future, fiber)
  if S.cancelled(fiber.scope) and not S.cancelled(future.scope) then error(S.cancelled_error(fiber.scope), 0) end
  if not future.waiter and not future.watches then
    future.waiter = fiber
    return S.park(fiber, future)
  end
  local watch = { fiber = fiber, scope = future.scope }
  S.watch(future, watch)
  return S.park(fiber, watch)
end

local function outcome(future)
  future.seen = true
  if future.ok then return future.value end
  error(future.value, 0)
end

--- Waits and returns the value, or raises the error. For the library: no checks.
function M.wait(future, fiber)
  if future.ok == nil then wait_for(future, fiber) end
  return outcome(future)
end

--- Waits for the result.
---@return any value what the activity, timer or function returned; its error is raised
function Future:wait()
  local _, fiber = S.acting("future:wait")
  return M.wait(self, fiber)
end

--- Asks for cancellation; the future is settled when the thing has answered. A settled one stays as it is.
---@param reason? string
function Future:cancel(reason)
  local run = S.acting("future:cancel")
  if self.ok == nil then self.cancel_operation(run, self, reason or "cancelled") end
end

--- Whether there is a result or an error, so that wait() returns at once.
---@return boolean
function Future:done()
  return self.ok ~= nil
end

local function check_futures(futures, what)
  if type(futures) ~= "table" or #futures == 0 then mistake(what .. " takes a list of futures") end
  for i = 1, #futures do
    if debug.getmetatable(futures[i]) ~= shape then
      mistake(("%s takes a list of futures; number %d is a %s"):format(what, i, type(futures[i])))
    end
  end
end

local function first_done(futures)
  for i = 1, #futures do
    if futures[i].ok ~= nil then return i end
  end
end

local function first_failed(futures, from)
  for i = from, #futures do
    if futures[i].ok == false then return futures[i] end
  end
end

local function park_on_all(futures, fiber)
  local watch = { fiber = fiber, futures = futures }
  for i = 1, #futures do
    if futures[i].ok == nil then S.watch(futures[i], watch) end
  end
  S.park(fiber, watch)
end

--- Waits until one of the futures is done.
---@param futures Future[]
---@return integer index of the first done one in the list
---@return Future future
function M.wait_any(futures)
  local _, fiber = S.acting("workflow.wait_any")
  check_futures(futures, "workflow.wait_any")
  local index = first_done(futures)
  if not index then
    S.check_waiting(fiber, futures)
    park_on_all(futures, fiber)
    index = first_done(futures)
  end
  return index, futures[index]
end

--- Waits until all futures are done, or until one failed: its error is raised.
---@param futures Future[]
---@return any[] values in the order of the list, with n: a nil result leaves a hole
function M.wait_all(futures)
  local _, fiber = S.acting("workflow.wait_all")
  if type(futures) == "table" and #futures == 0 then return { n = 0 } end
  check_futures(futures, "workflow.wait_all")
  local values = { n = #futures }
  for i = 1, #futures do
    while futures[i].ok == nil do
      S.check_waiting(fiber, futures)
      park_on_all(futures, fiber)
      local failed = first_failed(futures, i)
      if failed then return outcome(failed) end
    end
    values[i] = M.wait(futures[i], fiber)
  end
  return values
end

return M

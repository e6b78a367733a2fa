-- Cancellation scopes. What begins in a scope is cancelled with it; a shield stops that from outside.
-- Cancelling the workflow cancels its root scope, once.

local S = require "workflow.scheduler"
local errors = require "errors"
local failure = require "failure"
local timers = require "workflow.timer"
local mistake = require "mistake"

local M = {}

local traceback = debug.traceback

---@class Scope
local Scope = {}
local shape = { __index = Scope, __metatable = "scope" } -- apart: scope.__index would lead to what all runs share

--- Cancels what was begun in the scope and all scopes inside it.
---@param reason? string
function Scope:cancel(reason)
  local run = S.acting("scope:cancel")
  S.cancel_scope(run, self, reason or "cancelled")
end

function M.new(parent, shield)
  return setmetatable({ parent = parent, shield = shield, cancelled = false }, shape)
end

-- An error object keeps the stack of where it was raised.
local function with_stack(err)
  if errors.is(err) and not err.stack then err.stack = traceback() end
  return err
end

local function restore(fiber, outer, ok, ...)
  fiber.scope = outer
  return ok, ...
end

local function within(fiber, scope, fn, ...)
  local outer = fiber.scope
  fiber.scope = scope
  return restore(fiber, outer, xpcall(fn, with_stack, ...))
end

local function pass(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

local function check(fn, what)
  if type(fn) ~= "function" then mistake(what .. " takes a function, not a " .. type(fn)) end
end

--- Runs fn(scope, ...) in a new scope and returns what it returns.
---@param fn fun(scope: Scope, ...): ...
---@return any ...
function M.scope(fn, ...)
  local _, fiber = S.acting("workflow.scope")
  check(fn, "workflow.scope")
  local scope = M.new(fiber.scope)
  return pass(within(fiber, scope, fn, scope, ...))
end

--- Runs fn(...) where a cancellation from outside does not reach: for cleaning up.
---@param fn fun(...): ...
---@return any ...
function M.shield(fn, ...)
  local _, fiber = S.acting("workflow.shield")
  check(fn, "workflow.shield")
  return pass(within(fiber, M.new(fiber.scope, true), fn, ...))
end

local function expire(run, scope)
  scope.timed_out = true
  S.cancel_scope(run, scope, "the time is up")
end

-- The timer may fire in the task that brings the result: results are applied first.
local function time_is_up(run, watch, timer)
  if timer.ok then S.later(function() expire(run, watch.scope) end) end
end

--- Runs fn(scope, ...) in a scope that is cancelled when the time is up; then a TimeoutError is raised.
---@param time string|number
---@param fn fun(scope: Scope, ...): ...
---@return any ...
function M.timeout(time, fn, ...)
  local run, fiber = S.acting("workflow.timeout")
  check(fn, "workflow.timeout")
  local timer = timers.start(run, fiber, timers.wait_ms(time, "the time of workflow.timeout"))
  local scope = M.new(fiber.scope)
  if timer.ok then expire(run, scope) end
  S.watch(timer, { settled = time_is_up, scope = scope })

  local function finish(ok, ...)
    timers.stop(run, timer)
    if not ok and scope.timed_out and failure.is_cancellation((...)) then
      error(errors.new("TimeoutError", { message = ("not done after %s"):format(tostring(time)), cause = (...) }), 0)
    end
    return pass(ok, ...)
  end
  return finish(within(fiber, scope, fn, scope, ...))
end

return M

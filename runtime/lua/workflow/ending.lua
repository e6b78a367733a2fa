-- How a run ends: what the end of its code means to the server.
--
--   typed error              the workflow fails
--   cancellation, asked for  the workflow is cancelled
--   any other error          the task fails: a mistake in the code, retried until the code is mended

local S = require "workflow.scheduler"
local converter = require "converter"
local errors = require "errors"
local failure = require "failure"
local log = require "workflow.log"

local M = {}

local COMPLETE, FAIL, CANCEL = 4, 5, 7 -- enum command_type

-- Typed, but about the code and not about the work.
local MISTAKES = { LuaError = true, RestrictedWorkflowAccessError = true }

local PLACED = "^%S+%.lua:%d+:"

-- A call in tail position has no frame left to name: then the line is the workflow's own.
local function failure_of(run, err, stack)
  local known = errors.is(err) or failure.stack(stack) or tostring(err):find(PLACED) or not run.place
  if known then return failure.from_error(err, stack) end
  return failure.from_error(("%s: %s"):format(run.place, tostring(err)), run.place .. ": in the workflow")
end

--- An error that some fiber did not catch: fails the workflow or the task.
function M.fail(run, err, stack)
  local made = failure_of(run, err, stack)
  if errors.is(err) and not MISTAKES[err.type] then return S.close(run, { type = FAIL, attributes = { failure = made } }) end
  S.fail_task(run, made)
end

local function warn_of_leftovers(run)
  for _, fiber in ipairs(S.living(run)) do
    if fiber.name:find("^signal ") then
      log(run, "warning", "[TMPRL1102] the workflow ended while the handler of " .. fiber.name .. " was running")
    end
  end
  for _, future in ipairs(run.unseen or {}) do
    if not future.seen then
      log(run, "warning", "a spawned function failed and nobody waited for it: " .. tostring(future.value))
    end
  end
end

--- Main has ended.
function M.main_ended(run, _, ok, value, stack)
  warn_of_leftovers(run)
  if not ok then
    if run.scope.cancelled and failure.is_cancellation(value) then
      return S.close(run, { type = CANCEL, attributes = {} })
    end
    return M.fail(run, value, stack)
  end
  local encoded, payload = pcall(converter.encode, value)
  if not encoded then return M.fail(run, "the workflow's result cannot be sent: " .. tostring(payload):gsub("^signalroom/%S+ ", "")) end
  S.close(run, { type = COMPLETE, attributes = { result = { payloads = { payload } } } })
end

--- A spawned function has ended: its future has the outcome. A mistake fails the task at once, also when
--- nobody waits.
function M.spawned_ended(run, fiber, ok, value, stack)
  if not ok and not (errors.is(value) and not MISTAKES[value.type]) then return M.fail(run, value, stack) end
  if not ok and not failure.is_cancellation(value) then
    run.unseen = run.unseen or {}
    run.unseen[#run.unseen + 1] = fiber.future
  end
  S.resolve(run, fiber.future, ok, value)
end

return M

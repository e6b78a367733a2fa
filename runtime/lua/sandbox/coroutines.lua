-- Coroutines of scripts. A script may wrap a coroutine around calls that wait (workflow.sleep, http.get):
-- such a wait is not the script's own yield and passes through to whoever runs the scheduler, and its
-- answer comes back down. Runs never see the raw coroutine library.

local primitives = require "script"

local step, status = primitives.step, primitives.status
local RETURNED, YIELDED, FAILED, WAITS = primitives.RETURNED, primitives.YIELDED, primitives.FAILED, primitives.WAITS
local YIELD = primitives.YIELD
local raw_create, raw_yield, raw_running = coroutine.create, coroutine.yield, coroutine.running

local SUSPEND = {}

-- Coroutines that scripts made, and those of them that wait for the scheduler.
local made = setmetatable({}, { __mode = "k" })
local waiting = setmetatable({}, { __mode = "k" })

local M = { SUSPEND = SUSPEND }

--- Waits, however deep in coroutines of the script. The scheduler's raw resume gives true, SUSPEND, ...
---@return any ... what the scheduler resumes with
function M.suspend(...)
  return raw_yield(SUSPEND, ...)
end

local settle

local function answered(co, ...)
  waiting[co] = nil
  return settle(co, step(co, ...))
end

function settle(co, kind, ...)
  if kind == RETURNED or kind == YIELDED then return true, ... end
  if kind == FAILED then return false, ... end
  if kind == WAITS then
    waiting[co] = true
    return answered(co, raw_yield(...))
  end
  return settle(co, step(co)) -- stopped by the hook; so are we, before the next instruction
end

local function create(fn)
  if type(fn) ~= "function" then error(("bad argument #1 to 'create' (function expected, got %s)"):format(type(fn)), 2) end
  local co = raw_create(fn)
  made[co] = true
  return co
end

local function resume(co, ...)
  if type(co) ~= "thread" then error(("bad argument #1 to 'resume' (coroutine expected, got %s)"):format(type(co)), 2) end
  if waiting[co] then return false, "cannot resume a coroutine that waits elsewhere" end
  if not made[co] then return false, "cannot resume non-suspended coroutine" end
  return settle(co, step(co, ...))
end

local function pass(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

local function wrap(fn)
  local co = create(fn)
  return function(...) return pass(resume(co, ...)) end
end

local function isyieldable()
  return made[raw_running()] or false
end

local function yield(...)
  if not made[raw_running()] then error("coroutine.yield was called outside of a coroutine that the script made", 2) end
  return raw_yield(YIELD, ...)
end

M.library = {
  create = create, isyieldable = isyieldable, resume = resume, running = raw_running, status = status,
  wrap = wrap, yield = yield,
}

return M

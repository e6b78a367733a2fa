-- Timers. A timer of no length fires without the server and leaves no event.

local S = require "workflow.scheduler"
local duration = require "duration"
local errors = require "errors"
local future = require "workflow.future"

local M = {}

local START_TIMER, CANCEL_TIMER = 3, 6 -- enum command_type

-- The wait ends at once; the server only needs to know.
local function cancel_timer(run, timer, reason)
  run.timers[timer.seq] = nil
  local id = tostring(timer.seq)
  S.command { type = CANCEL_TIMER, seq = timer.seq, key = id, place = S.place(run), attributes = { timer_id = id } }
  S.resolve(run, timer, false, errors.new("CancelledError", { message = reason }))
end

--- Starts a timer. Returns its future, already settled when `ms` is 0.
function M.start(run, fiber, ms)
  S.check_scope(fiber)
  if ms == 0 then
    local fired = future.new(run, fiber.scope, cancel_timer)
    fired.ok = true
    return fired
  end
  local seq = run.timer_seq + 1
  local timer = future.new(run, fiber.scope, cancel_timer, seq)
  run.timer_seq = seq
  run.timers = run.timers or {}
  run.timers[seq] = timer
  local id = tostring(seq)
  S.command { type = START_TIMER, seq = seq, key = id, place = S.place(run),
    attributes = { timer_id = id, start_to_fire_timeout = ms } }
  return timer
end

--- Stops a timer that nobody needs any more; a fired one stays fired.
function M.stop(run, timer)
  if timer.ok == nil then cancel_timer(run, timer, "no longer needed") end
end

--- A timer fired. One that was cancelled in the same task is no longer known.
function M.fire(run, job)
  local timer = run.timers and run.timers[job.seq]
  if not timer then return end
  run.timers[job.seq] = nil
  S.resolve(run, timer, true)
end

--- Milliseconds of what a script gave as a time to wait: the past is no time at all.
function M.wait_ms(value, what)
  if type(value) == "number" and value < 0 then return 0 end
  return duration.ms(value, what)
end

return M

-- How often a vendor may be asked: "20/min" is at most 20 requests in any 60 seconds, by all activities of this process and
-- whatever edition of the scripts they run. A burst below that waits for nothing. A vendor that asks for patience is asked
-- by nobody until then: short waits are slept, long ones are left to the server, so that they hold no slot.

local errors = require "errors"
local native = require "native.rate"
local timer = require "native.timer"
local wait = require "wait"

local PERIOD_MS = { s = 1000, min = 60000, h = 3600000 }
local SLEPT_MS = 60000        -- a longer hold fails the attempt, and the server waits
local HELD_MOST_MS = 3600000  -- then somebody asks again, whatever the vendor had said

local rate = {}

--- A limit from its word. Raises ValueError for what is none.
---@param word string "2/s", "20/min", "1000/h"
---@return table limit
function rate.new(word)
  local count, unit = word:match "^(%d+)/(%a+)$"
  local period = PERIOD_MS[unit]
  count = tonumber(count)
  if not period or count < 1 then
    error(errors.ValueError(('a rate is a number by s, min or h, like "20/min", not %q'):format(word)), 0)
  end
  return { count = count, period = period }
end

local function refuse_long_hold(key)
  local held = native.held(key)
  if held <= SLEPT_MS then return end
  error(errors.RateLimited { message = ("%s has asked for patience: not asked for %d s more"):format(key, math.ceil(held / 1000)),
    retry_after = math.ceil(held / 1000) }, 0)
end

--- Waits until one more request is within the limit, and counts it. Raises RateLimited when the vendor asked for more patience
--- than an activity should sleep.
---@param key string    whose limit it is
---@param limit table?  nil: there is none, but the vendor may have asked for patience
function rate.take(key, limit)
  refuse_long_hold(key)
  local begins, moved = native.take(key, limit and limit.count or 0, limit and limit.period or 0)
  local left = native.left(key, begins, moved)
  while left > 0 do
    wait(timer.sleep(left))
    refuse_long_hold(key)
    left = native.left(key, begins, moved)
  end
end

--- The vendor asked for patience: nobody asks it before that, for an hour at most.
---@param key string
---@param ms number
function rate.hold(key, ms)
  native.hold(key, math.min(ms, HELD_MOST_MS))
end

return rate

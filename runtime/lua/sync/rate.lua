-- How often a vendor may be asked: "20/min" is at most 20 requests in any 60 seconds, from this process. A burst below
-- that waits for nothing.

local errors = require "errors"
local timer = require "native.timer"
local wait = require "wait"

local PERIOD_MS = { s = 1000, min = 60000, h = 3600000 }

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
  return { count = count, period = period, next = 1 }
end

--- Waits until one more request is within the limit, and counts it.
---@param limit table? nil: there is none
function rate.take(limit)
  if not limit then return end
  local now = timer.now()
  local oldest = limit[limit.next]
  local start = oldest and math.max(now, oldest + limit.period) or now
  limit[limit.next] = start -- before the wait: whoever comes meanwhile queues behind
  limit.next = limit.next % limit.count + 1
  if start > now then wait(timer.sleep(math.ceil(start - now))) end
end

return rate

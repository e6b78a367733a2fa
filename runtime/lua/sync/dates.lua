-- Calendar days as "YYYY-MM-DD", without clocks and zones (those are in `zone`).

local errors = require "errors"

local dates = {}

-- Days since 1970-01-01 of a civil date; the year begins in March so that the leap day is its last.
local function to_number(date)
  local y, m, d = date:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  if not y then error(errors.ValueError(("%q is no date: write YYYY-MM-DD"):format(tostring(date))), 0) end
  y, m, d = tonumber(y), tonumber(m), tonumber(d)
  if m <= 2 then y = y - 1 end
  local era = math.floor(y / 400)
  local year = y - era * 400
  local day = math.floor((153 * (m + (m > 2 and -3 or 9)) + 2) / 5) + d - 1
  return era * 146097 + year * 365 + math.floor(year / 4) - math.floor(year / 100) + day - 719468
end

local function to_date(number)
  local z = number + 719468
  local era = math.floor(z / 146097)
  local rest = z - era * 146097
  local year = math.floor((rest - math.floor(rest / 1460) + math.floor(rest / 36524) - math.floor(rest / 146096)) / 365)
  local day = rest - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * day + 2) / 153)
  local m = month + (month < 10 and 3 or -9)
  return ("%04d-%02d-%02d"):format(year + era * 400 + (m <= 2 and 1 or 0), m, day - math.floor((153 * month + 2) / 5) + 1)
end

--- Refuses what is no day of the calendar: "2026-02-30", "14.01.2026".
---@param date string
---@return string date
function dates.check(date)
  if to_date(to_number(date)) ~= date then error(errors.ValueError(("%q is no day of the calendar"):format(date)), 0) end
  return date
end

--- The date `days` later; earlier when negative.
---@param date string
---@param days integer
---@return string
function dates.add(date, days)
  return to_date(to_number(date) + days)
end

--- Days from a to b; 0 when equal.
---@param a string
---@param b string
---@return integer
function dates.between(a, b)
  return to_number(b) - to_number(a)
end

--- An instant by its text in UTC, "2026-01-15T00:15:00Z", as seconds since 1970.
---@param text string
---@return number
function dates.instant(text)
  local date, h, m, s = tostring(text):match "^(%d+%-%d+%-%d+)T(%d%d):(%d%d):(%d%d)Z$"
  h, m, s = tonumber(h), tonumber(m), tonumber(s)
  if date and to_date(to_number(date)) == date and h < 24 and m < 60 and s < 60 then
    return to_number(date) * 86400 + h * 3600 + m * 60 + s
  end
  error(errors.ValueError(("%q is no instant: write it like 2026-01-15T00:15:00Z"):format(tostring(text))), 0)
end

return dates

-- Cron texts, as Temporal's schedules understand them: five fields, all of which must match.
--
-- A field is a list of `*`, `a`, `a-b`, each with `/step`; months and days of the week have names too, and day 7 is
-- Sunday. @hourly, @daily, @weekly, @monthly and @yearly stand for five fields.

local errors = require "errors"
local zone = require "zone"

local MONTHS = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11, dec = 12 }
local DAYS = { sun = 0, mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6 }

-- In the order of the text; the names are those of StructuredCalendarSpec.
local FIELDS = {
  { name = "minute", first = 0, last = 59 }, { name = "hour", first = 0, last = 23 },
  { name = "day_of_month", first = 1, last = 31 }, { name = "month", first = 1, last = 12, words = MONTHS },
  { name = "day_of_week", first = 0, last = 7, words = DAYS },
}

local SHORT = { ["@hourly"] = "0 * * * *", ["@daily"] = "0 0 * * *", ["@weekly"] = "0 0 * * 0", ["@monthly"] = "0 0 1 * *",
  ["@yearly"] = "0 0 1 1 *" }

local HORIZON = 9 * 366 * 86400 -- beyond the longest gap between two 29ths of February

local cron = {}

local function refuse(text, format, ...)
  error(errors.ValueError(("cron %q: "):format(text) .. format:format(...)), 0)
end

local function number(text, field, word)
  local value = field.words and field.words[word:lower()] or word:match "^%d+$" and tonumber(word)
  if not value or value < field.first or value > field.last then
    refuse(text, "%q is no %s: write %d to %d", word, field.name:gsub("_", " "), field.first, field.last)
  end
  return value
end

local function add_part(text, field, part, values)
  local range, step = part:match "^([^/]+)/(%d+)$"
  range, step = range or part, tonumber(step or 1)
  if step < 1 then refuse(text, "a step of 0 never ends") end
  local from, to = range:match "^(%w+)%-(%w+)$"
  local first, last = field.first, field.last
  if from then
    first, last = number(text, field, from), number(text, field, to)
  elseif range ~= "*" then
    first = number(text, field, range)
    last = part == range and first or last
  elseif field.words == DAYS then
    last = 6
  end
  if last < first then refuse(text, "%s runs backwards", part) end
  for value = first, last, step do values[field.words == DAYS and value % 7 or value] = true end
end

--- A cron text as the set of values of each field.
---@param text string
---@return table<string, table<integer, true>> calendar  by "minute", "hour", "day_of_month", "month", "day_of_week"
function cron.parse(text)
  local words, calendar = {}, {}
  for word in (SHORT[text] or text):gmatch "%S+" do words[#words + 1] = word end
  if #words ~= #FIELDS then refuse(text, "write five fields: minute, hour, day of month, month, day of week") end
  for i, field in ipairs(FIELDS) do
    calendar[field.name] = {}
    for part in (words[i] .. ","):gmatch "([^,]*)," do add_part(text, field, part, calendar[field.name]) end
  end
  return calendar
end

local function last_of(field)
  return field.words == DAYS and 6 or field.last
end

--- A calendar as temporal.api.schedule.v1.StructuredCalendarSpec. There an empty field matches nothing, but for the year;
--- without its second the server would look for a fire time for ever.
---@param calendar table
---@return table message
function cron.message(calendar)
  local message = { second = { { start = 0, ["end"] = 0, step = 1 } } }
  for _, field in ipairs(FIELDS) do
    local ranges, open = {}, nil
    for value = field.first, last_of(field) do
      local has = calendar[field.name][value]
      if has and open then open["end"] = value end
      if has and not open then
        open = { start = value, ["end"] = value, step = 1 }
        ranges[#ranges + 1] = open
      end
      if not has then open = nil end
    end
    message[field.name] = ranges
  end
  return message
end

local function values_of(ranges)
  local values = {}
  for _, range in ipairs(ranges or {}) do
    local first, step = range.start or 0, math.max(range.step or 1, 1)
    for value = first, math.max(range["end"] or 0, first), step do values[value] = true end
  end
  return values
end

--- The other way: what the server says of a calendar.
---@param message table
---@return table calendar
function cron.from_message(message)
  local calendar = {}
  for _, field in ipairs(FIELDS) do calendar[field.name] = values_of(message[field.name]) end
  return calendar
end

--- Whether two calendars have the same fire times.
function cron.equal(a, b)
  for _, field in ipairs(FIELDS) do
    for value = field.first, last_of(field) do
      if a[field.name][value] ~= b[field.name][value] then return false end
    end
  end
  return true
end

-- How far to go from an instant that does not match, in seconds. The end of a day is approached by hours, since a
-- change of daylight saving may lie before it.
local function step(calendar, at)
  local to_hour = 3600 - at.min * 60
  if not (calendar.month[at.month] and calendar.day_of_month[at.day] and calendar.day_of_week[at.wday - 1]) then
    return at.hour < 21 and (20 - at.hour) * 3600 + to_hour or to_hour
  end
  if not calendar.hour[at.hour] then return to_hour end
  return calendar.minute[at.min] and 0 or 60
end

--- The next fire times after an instant. A local time that daylight saving leaves out is left out.
---@param calendar table
---@param tz string
---@param after integer  seconds since 1970
---@param count integer
---@return integer[] times
function cron.next(calendar, tz, after, count)
  local times, t = {}, after - after % 60 + 60
  local horizon = t + HORIZON
  while #times < count and t < horizon do
    local ahead = step(calendar, os.date("!*t", t + zone.offset(t, tz)))
    if ahead == 0 then
      times[#times + 1] = t
      ahead, horizon = 60, t + HORIZON
    end
    t = t + ahead
  end
  return times
end

return cron

-- Is the data there? A report says what it needs, `needs = { ["everflow.daily_stats"] = "2h" }`: each table must have been
-- loaded within that time, and up to the report's day. Every load leaves its record in signalroom.loads, also an empty one.

local duration = require "duration"
local errors = require "errors"
local json = require "json"
local zone = require "zone"

local freshness = {}

local LAST = [[
  SELECT extract(epoch FROM max(loaded_at))::float8 AS at, extract(epoch FROM clock_timestamp() - max(loaded_at))::float8 AS age,
         $day::date IS NULL OR bool_or(window_to IS NULL OR window_to >= $day::date) AS reaches
    FROM signalroom.loads
   WHERE source = $source AND resource = $resource AND ($client::text IS NULL OR client_id = $client::text)]]

--- Checks a declaration; raises plain text.
---@param needs table<string, string>
---@return { name: string, source: string, resource: string, age: number, words: string }[] sorted by name
function freshness.declare(needs)
  local list = {}
  for name, words in pairs(needs) do
    local source, resource = tostring(name):match "^([%w_]+)%.([%w_]+)$"
    if not source then error(("needs names tables as \"source.resource\", not %q"):format(tostring(name)), 0) end
    list[#list + 1] = { name = name, source = source, resource = resource, words = tostring(words),
      age = duration.ms(words, "needs of " .. name) / 1000 }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function local_time(at, tz)
  return os.date("!%Y-%m-%d %H:%M", math.floor(at) + zone.offset(at, tz)) .. " " .. tz
end

local function problem(last, need, day, tz)
  if not last.at then return ("%s was never loaded"):format(need.name) end
  local at = local_time(last.at, tz)
  if last.age > need.age then return ("%s was last loaded at %s, more than %s ago"):format(need.name, at, need.words) end
  if not last.reaches then return ("%s is not loaded up to %s yet, last loaded at %s"):format(need.name, day, at) end
end

-- A database without our tables knows of no load at all: that is no late load.
local function last_of(q, values)
  local ok, last = pcall(q.one, q, LAST, values)
  if ok then return last end
  if errors.is(last) and last.sqlstate == "42P01" then
    error(errors.ApplicationError { type = "ConfigError", non_retryable = true, cause = last,
      message = "the database has no load records: run `signalroom migrate`" }, 0)
  end
  error(last, 0)
end

--- Why the data is not ready, nil when it is.
---@param q table of report.query
---@param needs table[] of freshness.declare
---@param about { day: string?, client: string?, tz: string }
---@return string? reason
function freshness.problem(q, needs, about)
  local reasons = {}
  for _, need in ipairs(needs) do
    local last = last_of(q, { source = need.source, resource = need.resource, day = about.day or json.null,
      client = about.client or json.null })
    reasons[#reasons + 1] = problem(last, need, about.day, about.tz)
  end
  return #reasons > 0 and table.concat(reasons, "; ") or nil
end

return freshness

-- Reports: what analysts declare in scripts/reports, and the rendering of one. The module is also the word `report`.
--
--   report "daily_ccw" {
--     about = "...", params = { date = yesterday, advertiser_id = 1 }, needs = { ["everflow.daily_stats"] = "2h" },
--     data = function(q, p) return q:one("SELECT ... WHERE date = $date", p) end,
--     check = function(d) return d.total_conversions ~= nil, "no rows for that day" end,
--     slack = template "daily_ccw.slack.tpl", sms = "CCW {{report_date|date}}: {{total_conversions|number}} conv",
--   }

local definition = require "report.definition"
local errors = require "errors"
local freshness = require "report.freshness"
local letter = require "report.letter"
local nearest = require "nearest"
local params = require "report.params"
local place = require("sandbox").place
local query = require "report.query"
local sorted_keys = require "sorted_keys"
local zone = require "zone"

local UNDEFINED_TABLE = "42P01"

local report = {}

local reports = {}

local function define(name, given)
  local at = place()
  local function refuse(problem)
    error((at == "" or problem:sub(1, #at) == at) and problem or at .. ": " .. problem, 0)
  end
  if type(given) ~= "table" then refuse(("report %q takes a table"):format(name)) end
  if reports[name] then refuse(("report %q is declared twice"):format(name)) end
  local ok, made = pcall(definition.make, name, given)
  if ok then
    reports[name] = made
    return
  end
  refuse(errors.is(made) and made.message or tostring(made))
end

--- The names of all reports, sorted.
---@return string[]
function report.names()
  return sorted_keys(reports)
end

--- Runs scripts that declare reports, in place of the reports there are; when one fails those stay.
---@param chunks function[]
function report.load(chunks)
  local old = reports
  reports = {}
  for _, chunk in ipairs(chunks) do
    local ok, problem = pcall(chunk)
    if not ok then
      reports = old
      error(problem, 0)
    end
  end
end

local function find(name)
  if reports[name] then return reports[name] end
  local close = nearest.word(tostring(name), report.names())
  error(errors.KeyError(("Report not found: %s%s"):format(tostring(name), close and ("; did you mean %s?"):format(close) or "")), 0)
end

--- What a report is: { name, about, tz, channels, needs, wait, params }.
---@param name string
---@return table
function report.describe(name)
  local found = find(name)
  local needs = {}
  for _, need in ipairs(found.needs) do needs[need.name] = need.words end
  return { name = found.name, about = found.about, tz = found.tz, channels = definition.channels(found), needs = needs,
    wait = found.wait, params = found.params }
end

--- The values of all its parameters, defaults and all. Raises ValueError for what it has not or cannot read.
---@param name string
---@param given? table<string, any>
---@param now? number seconds since 1970, from which `yesterday` is counted; the clock unless given
---@return table<string, any>
function report.params(name, given, now)
  local found = find(name)
  return params.resolve(found.name, found.params, given, zone.date(now or os.time(), found.tz))
end

local ONE_ROW = "report %s: its data gives %d rows where one is wanted: LIMIT 1, or all of them by "
  .. "data = function(q, params) return { rows = q:all(\"...\", params) } end"

local function only_row(found, rows)
  if #rows > 1 then error(errors.ValueError(ONE_ROW:format(found.name, #rows)), 0) end
  return rows[1]
end

local function data_of(found, q, values)
  if type(found.data) == "string" then return only_row(found, q:all(found.data, values)) end
  if found.data then return found.data(q, values) end
  return {}
end

-- The values that the report's data gives, nil without; and why they are not fresh, if so. A table that is not there while
-- its loads are missing is no mistake of the report.
local function read(found, values, known, even_if_stale)
  return query.run(known, function(q)
    local stale = freshness.problem(q, found.needs, { day = values.date, client = values.client, tz = found.tz })
    if stale and not even_if_stale then return nil, stale end
    local ok, data = pcall(data_of, found, q, values)
    if ok then return data, stale end
    if stale and errors.is(data) and data.sqlstate == UNDEFINED_TABLE then return nil, stale end
    error(data, 0)
  end)
end

-- Why there is nothing to say, nil when there is.
local function empty(found, data, values)
  if data == nil then return "no data" .. (values.date and " for " .. values.date or "") end
  if type(data) ~= "table" then error(errors.ValueError(("report %s: data gives a table, not a %s"):format(found.name, type(data))), 0) end
  if not found.check then return nil end
  local good, reason = found.check(data, values)
  return not good and (reason or "the report's check says no") or nil
end

-- What templates see.
local function everything(values, data)
  local all = { report_date = values.date, generated_at = os.date "!%Y-%m-%d %H:%M:%S UTC" }
  for _, from in ipairs { values, data } do
    for key, value in pairs(from) do all[key] = value end
  end
  return all
end

--- Renders a report for a channel. Raises KeyError for an unknown report, ValueError for a channel or parameter that it has
--- not, TemplateError, DbError.
---
--- The letter has `text`; for Slack also `mrkdwn` (its values are escaped already) and perhaps `blocks`; for e-mail `subject` and
--- `html`; for SMS `sms`: how many messages it is.
---@param name string
---@param given? table<string, any> parameters
---@param channel string "slack", "email" or "sms"
---@param options? { now: number?, even_if_stale: boolean? }
---@return table result { name, channel, date, params, ready = true, letter, stale? }; when there is nothing to say, ready = false and
---  a reason instead of the letter
function report.render(name, given, channel, options)
  options = options or {}
  local found = find(name)
  if not found.channels[channel] then
    error(errors.ValueError(("No template for channel '%s' in report '%s'; it has %s"):format(tostring(channel), found.name,
      table.concat(definition.channels(found), ", "))), 0)
  end
  local values, known = report.params(name, given, options.now), {}
  local result = { name = found.name, channel = channel, date = values.date, params = values }
  local data, stale = read(found, values, known, options.even_if_stale)
  local reason = data == nil and stale or empty(found, data, values)
  result.ready, result.reason, result.stale = not reason, reason or nil, stale
  if reason then return result end
  result.letter = letter(found, channel, everything(values, data), known)
  return result
end

return setmetatable(report, {
  __metatable = "report",
  __call = function(_, name)
    if type(name) ~= "string" or not name:find "^[%w_%-]+$" then error("report takes a name: report \"name\" { slack = ... }", 2) end
    return function(given) return define(name, given) end
  end,
})

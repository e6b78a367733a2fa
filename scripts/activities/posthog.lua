-- PostHog: events by HogQL, a page after the other by time and id; feature flags and experiments as they are now.

local PROJECT = setting("POSTHOG_PROJECT_ID", "")
local PAGE = 5000 -- events a request; PostHog gives 50,000 at most, and an answer shall stay well below 64 MB
local LIST = 100

local EVENTS = [[
select toString(uuid), event, distinct_id, toString(person_id), timestamp, created_at, toString(properties), elements_chain
from events
where timestamp >= toDateTime({from}) and timestamp < toDateTime({to})
  and (timestamp > toDateTime({after}) or (timestamp = toDateTime({after}) and toString(uuid) > {after_uuid}))
order by timestamp, toString(uuid)
limit ]] .. PAGE

local function path(run, rest)
  run:require(PROJECT ~= "", "ValueError", "no project is named. Set POSTHOG_PROJECT_ID")
  return ("/api/projects/%s/%s/"):format(PROJECT, rest)
end

-- Calculated now: a cached answer would be an old one.
local function query(run, text, values)
  return run:post(path(run, "query"), { timeout = "5m", json = { refresh = "force_blocking",
    query = { kind = "HogQLQuery", query = text, values = values } } })
end

-- Where the page ends: time and id of its last row.
local function last_of(run, reply, count)
  local row = ("results[%d]"):format(count)
  return { time = run:value(reply, row .. "[5]"), uuid = run:value(reply, row .. "[1]") }
end

local function fetch_events(run)
  local from, to = run:between()
  local after = { time = "1970-01-01T00:00:00Z", uuid = "" }
  run:pages("", function()
    local reply = query(run, EVENTS, { from = from, to = to, after = after.time, after_uuid = after.uuid })
    local count = run:rows(reply, "results")
    if count == 0 or run:value(reply, "hasMore") == false then return reply end
    after = last_of(run, reply, count)
    return reply, after.time .. " " .. after.uuid
  end)
end

-- A list that is there as a whole, in pages.
local function list(entity)
  return function(run)
    local count, total = 0, nil
    run:pages(0, function(offset)
      local reply = run:get(path(run, entity), { query = { limit = LIST, offset = offset } })
      count, total = count + run:rows(reply, "results"), run:value(reply, "count")
      return reply, run:value(reply, "next") and offset + LIST or nil
    end)
    if count ~= total then error(VendorError(("PostHog has %s %s and gave %d"):format(tostring(total), entity, count)), 0) end
  end
end

source "posthog" {
  base_url = setting("POSTHOG_HOST", "https://us.posthog.com"),
  secrets = { "POSTHOG_API_KEY" },
  headers = function(run) return { Authorization = "Bearer " .. run:secret "POSTHOG_API_KEY" } end,
  tz = "America/New_York", lookback = "3d", initial = "2025-12-20",
  rate = setting("POSTHOG_RATE", "40/min"),

  probe = function(run)
    query(run, "select 1")
    return ("project %s answers queries"):format(PROJECT)
  end,

  resource "events" {
    key = { "uuid" },
    window = "range", days = 7, window_column = "timestamp",
    stored = { properties = "jsonb" },
    columns = {
      uuid = "text! at [1]", event = "text! at [2]", distinct_id = "text at [3]", person_id = "text at [4]",
      timestamp = "timestamptz! at [5]", created_at = "timestamptz at [6]", properties = "text at [7]", elements_chain = "text at [8]",
    },
    fetch = fetch_events,
  },

  resource "feature_flags" {
    key = { "id" },
    columns = {
      id = "int!", key = "text!", name = "text", active = "bool", deleted = "bool", filters = "jsonb", tags = "jsonb",
      created_at = "timestamptz", created_by = "text at created_by.email",
    },
    fetch = list "feature_flags",
  },

  resource "experiments" {
    key = { "id" },
    columns = {
      id = "int!", name = "text!", description = "text", feature_flag_key = "text", start_date = "timestamptz", end_date = "timestamptz",
      archived = "bool", parameters = "jsonb", filters = "jsonb", metrics = "jsonb", secondary_metrics = "jsonb",
      created_at = "timestamptz", updated_at = "timestamptz", created_by = "text at created_by.email",
    },
    fetch = list "experiments",
  },
}

-- RedTrack: what every traffic source cost, by day. The API has no day column: each day is asked on its own.

local PER = 1000       -- rows a page, the most that RedTrack gives
local STEP = 100       -- page sizes of accounts where `per` counts for less are multiples of this
local PAGES_MAX = 200

-- The value of the first name that has one.
local function first(row, ...)
  for _, name in ipairs { ... } do
    local value = row[name]
    if value ~= nil and value ~= json.null and value ~= "" then return value end
  end
end

-- A page is a list of rows, or an object that holds it; a day without rows may be null.
local function rows_of(reply)
  local page = reply:json()
  if page == json.null then return {} end
  if reply.body:find "^%s*%[" then return page end
  for _, name in ipairs { "data", "rows", "items", "results" } do
    local list = type(page) == "table" and page[name]
    if list == json.null then return {} end
    if type(list) == "table" then return list end
  end
  error(VendorError("RedTrack answered without a list of rows: " .. reply.body:sub(1, 200)), 0)
end

local function ask(run, day, page)
  local key = run:secret "REDTRACK_API_KEY"
  return rows_of(run:get("/report", {
    headers = { ["X-API-KEY"] = key },
    query = { api_key = key, date_from = day, date_to = day, timezone = run.tz, group = "source", sortby = "clicks", direction = "desc",
      per = PER, page = page },
  }))
end

-- Takes a page's rows. The order is that of clicks, which grow while pages are read: a source that comes twice has
-- moved, and another one may have been missed.
local function take(run, day, list, seen)
  local dropped = 0
  for _, row in ipairs(list) do
    local id = first(row, "source_id", "sourceId", "traffic_source_id", "trafficSourceId")
    if id == nil then
      dropped = dropped + 1
    else
      id = type(id) == "string" and id or json.encode(id) -- tostring keeps 14 digits
      if seen[id] then error(VendorError(("RedTrack gave source %s twice for %s: the list moved while it was read"):format(id, day)), 0) end
      seen[id] = true
      run:emit({ date = day, source_id = id, source_name = first(row, "source", "traffic_source", "source_name"),
        source_alias = first(row, "source_alias", "sourceAlias"), clicks = first(row, "clicks", "total_clicks"),
        conversions = row.conversions, -- never total_conversions: that counts every event
        cost = first(row, "cost", "spend", "total_cost") }, row)
    end
  end
  return dropped
end

source "redtrack" {
  base_url = setting("REDTRACK_BASE_URL", "https://api.redtrack.io"),
  secrets = { "REDTRACK_API_KEY" },
  tz = "America/New_York", lookback = "3d", initial = "2025-12-20", clients = { "713", "cti" },
  rate = setting("REDTRACK_RATE", "20/min"),

  probe = function(run)
    ask(run, os.date "!%Y-%m-%d", 1)
    return "the key is taken"
  end,

  resource "daily_spend" {
    key = { "date", "source_id" },
    window = "day", window_column = "date",
    stored = { date = "text" }, -- as the old system had it
    columns = {
      date = "date!", source_id = "text!", source_name = "text", source_alias = "text",
      clicks = "int!", conversions = "int!", cost = "money!",
    },
    fetch = function(run, window)
      local seen, dropped, page, list = {}, 0, 0
      repeat
        page = page + 1
        run:require(page <= PAGES_MAX, "VendorError", ("RedTrack has more than %d pages for %s"):format(PAGES_MAX, window.from))
        list = ask(run, window.from, page)
        dropped = dropped + take(run, window.from, list, seen)
      until #list == 0 or #list % STEP ~= 0
      if dropped > 0 then log.warning("rows_without_source", { day = window.from, rows = dropped }) end
    end,
  },
}

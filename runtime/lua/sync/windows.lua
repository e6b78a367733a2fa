-- Which days to ask for: whole business days in the vendor's zone, from a look-back before the cursor up to and
-- with today. A backfill (`from`, `to`) asks for just its days and leaves the cursor alone. Where files are windows, the
-- ledger says which (sync.files). A window is `complete` when the answer has all rows of it: what is missing is gone.

local dates = require "sync.dates"
local errors = require "errors"
local files = require "sync.files"
local load = require "sync.load"
local vendor = require "sync.vendor"
local zone = require "zone"

local windows = {}

local function earlier(a, b)
  return a < b and a or b
end

-- From..to in pieces of at most `days`, each "{ from, to }", both included.
local function cut(from, to, days)
  local list = {}
  while from <= to do
    local last = earlier(dates.add(from, days - 1), to)
    list[#list + 1] = { from = from, to = last, complete = true }
    from = dates.add(last, 1)
  end
  return list
end

local function days_per_window(job)
  if job.resource.window == "day" then return 1 end
  local days = tonumber(job.kwargs.window_days or job.resource.days or 7)
  if not days or days < 1 or days % 1 ~= 0 then error(errors.ValueError "window_days must be a whole number above 0", 0) end
  return days
end

-- The vendor's business day: now, or at the instant that the run is told to be at.
local function business_day(job)
  local now = job.kwargs.now and dates.instant(job.kwargs.now) or os.time()
  return zone.date(now, job.source.tz)
end

-- Everything at first and whenever the run says `full`, else what changed since a look-back before the cursor.
local function changes(job, cursor, today)
  local reached = cursor and earlier(cursor, today)
  local from = job.kwargs.from and dates.check(job.kwargs.from) or reached and dates.add(reached, -job.source.lookback_days)
  if job.kwargs.full then from = nil end
  return { windows = { { from = from, to = today, complete = from == nil } }, cursor = cursor, backfill = job.kwargs.from ~= nil }
end

--- The windows of one resource, oldest first, and the cursor they start from.
---@param job table
---@return { windows: table[], cursor: string?, backfill: boolean, listing: table? }
function windows.plan(job)
  if job.resource.window == "files" then
    local listing = vendor.new(job, {})
    local plan = files.plan(job, listing, load.id)
    plan.listing = listing
    return plan
  end
  if job.resource.window == "none" then return { windows = { { complete = true } }, backfill = false } end
  local source, kwargs = job.source, job.kwargs
  local today = business_day(job)
  local cursor = load.cursor(job.connection, job)
  if job.resource.window == "changes" then return changes(job, cursor, today) end
  local reached = cursor and earlier(cursor, today) -- a clock that was ahead once must not leave later days out
  local backfill = kwargs.from ~= nil or kwargs.to ~= nil
  local from = kwargs.from and dates.check(kwargs.from) or reached and dates.add(reached, -source.lookback_days) or source.initial
  local to = kwargs.to and dates.check(kwargs.to) or today
  if from > to then error(errors.ValueError(("from %s is after to %s"):format(from, to)), 0) end
  return { windows = cut(from, to, days_per_window(job)), cursor = cursor, backfill = backfill }
end

return windows

-- One window into Postgres in one transaction: rows, schema changes, cursor and load record commit together or not
-- at all. Four guards, each for a different accident:
--
--   lock                  two attempts at once: the second is refused as Busy and retried
--   load_id               the retry of a load that did commit: its recorded result is the answer
--   compare-and-set       a zombie whose cursor somebody else has moved: refused as Superseded
--   never back in time    a slow fetch must not overwrite, or bring back, what a later one saw: Stale, fetched again
--
-- load_id names stream, window and run, so it is the same on every attempt of one run and new for the next run.

local dlt = require "sync.dlt"
local drift = require "sync.drift"
local errors = require "errors"
local ledger = require "sync.ledger"
local rehearsal = require "sync.rehearsal"
local sql = require "sync.sql"
local timer = require "native.timer"
local views = require "sync.views"

local ANALYZE_FROM_ROWS = 10000
local SHRINK_LIMIT, SHRINK_FROM_ROWS = 0.2, 20

local load = {}

-- Called with each step's name once it is done. Tests set it to break off at every point there is.
load.observer = nil

local function stream_of(job)
  return ("%s.%s/%s"):format(job.source.name, job.resource.name, job.client)
end

--- The id of a load.
---@return string
function load.id(job, window)
  local file = window.file
  local part = file and ("%s#%s"):format(file.name, file.etag) or window.from and ("%s..%s"):format(window.from, window.to) or "all"
  return ("%s %s %s/%s"):format(stream_of(job), part, job.info.workflow_id or job.info.activity_id, job.info.run_id or "")
end

--- The day up to which a stream is loaded, nil when it never was; and the database's time, by which fetches are told
--- apart whichever machine they ran on.
---@param connection userdata
---@param job table
---@return string? cursor
---@return number now  seconds since the epoch
function load.cursor(connection, job)
  local row = connection:query([[SELECT extract(epoch FROM clock_timestamp())::float8 AS now,
    (SELECT cursor FROM signalroom.state WHERE stream = $1) AS cursor]], stream_of(job))[1]
  return row.cursor, row.now
end

--- The result of a window that this run has loaded already, nil when it has not.
---@return { load_no: string, dlt_load_id: string, counts: table }?
function load.recorded(connection, job, window)
  local row = connection:query([[SELECT load_no::text AS load_no, dlt_load_id, rows_new, rows_changed, rows_same, rows_deleted
    FROM signalroom.loads WHERE load_id = $1]], load.id(job, window))[1]
  return row and { load_no = row.load_no, dlt_load_id = row.dlt_load_id,
    counts = { new = row.rows_new, changed = row.rows_changed, same = row.rows_same, deleted = row.rows_deleted,
      rows = row.rows_new + row.rows_changed + row.rows_same } }
end

local steps = {}

local function step(name, run)
  steps[#steps + 1] = { name = name, run = run }
end

step("settings", function(tx)
  tx:exec "SET LOCAL lock_timeout = '10s'"
  tx:exec "SET LOCAL statement_timeout = '15min'"
  tx:exec "SET LOCAL TimeZone = 'UTC'"
end)

step("lock", function(tx, work)
  local got = tx:query("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS got", "signalroom." .. work.stream)[1].got
  if not got then
    error(errors.ApplicationError { type = "Busy", message = ("another load of %s is under way"):format(work.stream) }, 0)
  end
end)

step("load_id", function(tx, work)
  work.recorded = load.recorded(tx, work.job, work.window)
end)

step("ledger", function(tx, work)
  if not work.window.file or work.recorded or not ledger.taken(tx, work.job, work.window) then return end
  work.recorded = { counts = { new = 0, changed = 0, same = 0, deleted = 0, rows = 0 } }
end)

-- Of files the ledger knows which version came last.
step("order", function(tx, work)
  if work.window.file then return end
  local later = tx:query([[SELECT load_no::text AS load_no FROM signalroom.loads
    WHERE source = $1 AND resource = $2 AND client_id = $3 AND fetched_at > to_timestamp($4::float8)
      AND (window_from IS NULL OR $5::date IS NULL OR (window_from <= $6::date AND window_to >= $5::date)) LIMIT 1]],
    work.job.source.name, work.job.resource.name, work.client, work.fetched_at, work.window.from, work.window.to)[1]
  if later then
    error(errors.ApplicationError { type = "Stale",
      message = ("%s: load %s fetched these days later and is there already; nothing was changed"):format(work.stream, later.load_no) }, 0)
  end
end)

step("number", function(tx, work)
  work.dlt_load_id = dlt.load_id(tx, work.stream)
end)

-- Rows that lost a part of their key cannot be told apart from those that come.
local function need_key(target)
  for _, name in ipairs(target.exists and target.key or {}) do
    if not target.existing[name] then
      error(errors.ApplicationError { type = "ConfigError", non_retryable = true,
        message = ("the table %s has no column %s, which is part of its key; nothing was changed. If it was renamed, name it so again; "
          .. "if the key is to be another one, move the table out of the way, and it is made and loaded anew"):format(target.table,
          name) }, 0)
    end
  end
end

step("table", function(tx, work)
  work.target = sql.target(tx, work.job, work.columns)
  need_key(work.target)
end)

step("stage", function(tx, work)
  tx:exec(sql.create_stage(work))
  work.staged = tx:copy(sql.copy_stage(work), work.run:chunks())
  if work.staged ~= work.run:count() then
    error(errors.ApplicationError { type = "LoadError",
      message = ("%s: the database took %d rows of %d; nothing was changed"):format(work.stream, work.staged, work.run:count()) }, 0)
  end
  if work.staged > ANALYZE_FROM_ROWS then tx:exec "ANALYZE stage" end
end)

step("drift", drift.step)

step("schema", function(tx, work)
  work.ddl = sql.changes(work)
  for _, statement in ipairs(work.ddl) do tx:exec(statement) end
end)

step("merge", function(tx, work)
  rehearsal.merging(tx, work)
  local row = tx:query(sql.merge(work), work.client, work.fetched_at, work.dlt_load_id)[1]
  drift.merged(tx, work, row.rows)
  work.counts = { rows = row.rows, new = row.new, changed = row.changed, same = row.rows - row.new - row.changed, deleted = 0 }
end)

-- What the window's rows have in their window column, from and to: days, or the name of the file; nothing for a window of
-- all rows.
local function bounds(work)
  local window = work.window
  if window.file then return window.file.name, window.file.name end
  return window.from, window.from and window.to
end

-- A file that has fewer rows than before is what its owner made of it. Few rows may change by much, but days without any are
-- more likely a vendor's fault than all rows taken back.
local function refuse_shrinking(tx, work)
  if work.window.file then return end
  local from, to = bounds(work)
  local row = tx:query(sql.count_window(work), from, to, work.client)[1]
  local emptied = from ~= nil and row.total > 0 and work.staged == 0
  if work.allow_shrink or not emptied and (row.total < SHRINK_FROM_ROWS or row.gone <= row.total * SHRINK_LIMIT) then return end
  error(errors.ApplicationError { type = "ShrinkRefused", non_retryable = true,
    message = ("%s%s: the vendor no longer has %d of %d rows%s; nothing was changed. "
      .. "If that is right, run it again with allow_shrink = true"):format(work.stream, from and (" %s..%s"):format(from, to) or "",
      row.gone, row.total, emptied and "" or (", more than %d%%"):format(SHRINK_LIMIT * 100)) }, 0)
end

step("vanished", function(tx, work)
  if not work.complete then return end
  tx:exec "SET LOCAL enable_nestloop = off" -- a new table has no statistics: it would compare every row with every row
  refuse_shrinking(tx, work)
  local from, to = bounds(work)
  rehearsal.deleting(tx, work, from, to)
  work.counts.deleted = tx:query(sql.delete_vanished(work), from, to, work.client, work.fetched_at)[1].deleted
end)

step("views", views.step)

local function record(tx, work)
  local c, info = work.counts, work.job.info
  work.load_no = tx:query([[INSERT INTO signalroom.loads (load_id, source, resource, client_id, window_from, window_to, backfill,
      workflow_id, run_id, attempt, requests, bytes, rows_fetched, rows_new, rows_changed, rows_same, rows_deleted, ddl,
      fetched_at, dlt_load_id, seconds)
    VALUES ($1, $2, $3, $4, $5::date, $6::date, $7::boolean, $8, $9, $10::int, $11::int, $12::bigint, $13::bigint, $14::bigint, $15::bigint,
      $16::bigint, $17::bigint, $18::text[], to_timestamp($19::float8), $20, $21::float8) RETURNING load_no::text AS load_no]],
    work.load_id, work.job.source.name, work.job.resource.name, work.client, work.window.from, work.window.to, work.backfill,
    info.workflow_id, work.job.run_id, info.attempt, work.run.requests, work.run.bytes, work.run:count(), c.new, c.changed, c.same,
    c.deleted, sql.text_array(work.ddl), work.fetched_at, work.dlt_load_id, (timer.now() - work.run.began) / 1000)[1].load_no
end

step("record", record)

step("findings", drift.keep)

step("note", function(tx, work)
  if not work.window.file then return end
  ledger.note(tx, work.job, work.window.file, { status = "done", rows = work.counts.rows, load_id = work.load_id })
end)

step("cursor", function(tx, work)
  if work.backfill or not work.window.to then return end
  tx:query("INSERT INTO signalroom.state (stream) VALUES ($1) ON CONFLICT DO NOTHING", work.stream)
  local from = work.cursor
  local to = (not from or from < work.window.to) and work.window.to or from
  work.cursor_moved = to ~= from
  local moved = tx:query([[UPDATE signalroom.state SET cursor = $2, load_id = $3, updated_at = clock_timestamp()
    WHERE stream = $1 AND cursor IS NOT DISTINCT FROM $4 RETURNING 1 AS moved]], work.stream, to, work.load_id, from)
  if #moved == 0 then
    error(errors.ApplicationError { type = "Superseded", non_retryable = true,
      message = ("%s: another load has moved the cursor from %s meanwhile; nothing was changed"):format(work.stream,
        from or "the start") }, 0)
  end
end)

step("dlt", dlt.step)

local function observe(name)
  if load.observer then load.observer(name) end
end

local function run_steps(tx, work)
  for _, one in ipairs(steps) do
    one.run(tx, work)
    observe(one.name)
    if work.recorded then return end
  end
end

--- Loads what a fetch brought.
---@param connection userdata
---@param job table
---@param window { from: string?, to: string? }
---@param run table  sync.vendor's
---@return { load_no: string, dlt_load_id: string, counts: table<string, integer> }
function load.window(connection, job, window, run)
  local filtered = false
  for _, name in ipairs(job.resource.filters or {}) do filtered = filtered or job.kwargs[name] ~= nil end
  local work = { job = job, window = window, run = run, stream = stream_of(job), load_id = load.id(job, window), client = job.client,
    columns = run.plan:columns(), backfill = job.plan.backfill, cursor = window.cursor, fetched_at = window.fetched_at,
    complete = window.complete and not filtered,
    allow_shrink = job.kwargs.allow_shrink or job.resource.allow_shrink }
  observe "fetched"
  local function steps_of_it(tx) run_steps(tx, work) end
  if job.dry then
    rehearsal.transaction(connection, work, steps_of_it)
    rehearsal.spent(job.dry, run, (timer.now() - run.began) / 1000)
  else
    connection:transaction(steps_of_it)
  end
  observe "committed"
  return work.recorded or { load_no = work.load_no, dlt_load_id = work.dlt_load_id, counts = work.counts }
end

--- Leaves the record of a run that found no file to load.
---@param listing table  the fetch that asked for the list
---@return { load_no: string, dlt_load_id: string, counts: table }
function load.nothing(connection, job, listing)
  local counts = { rows = 0, new = 0, changed = 0, same = 0, deleted = 0 }
  if job.dry then
    rehearsal.spent(job.dry, listing, (timer.now() - listing.began) / 1000)
    return { counts = counts }
  end
  local _, now = load.cursor(connection, job)
  local work = { job = job, window = {}, run = listing, load_id = load.id(job, {}), client = job.client, counts = counts, ddl = {},
    backfill = false, fetched_at = now }
  local done = load.recorded(connection, job, {})
  if done then return done end
  work.dlt_load_id = dlt.load_id(connection, stream_of(job))
  record(connection, work)
  return { load_no = work.load_no, dlt_load_id = work.dlt_load_id, counts = counts }
end

return load

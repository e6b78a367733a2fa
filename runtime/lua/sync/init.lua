-- Sources: what analysts declare, and the run of one.
--
--     source "everflow" {
--       base_url = setting("EVERFLOW_BASE_URL", "https://api.eflow.team"), tz = "America/New_York",
--       resource "daily_stats" { key = { "date" }, columns = { ... }, fetch = function(run, window) ... end },
--     }
--
-- run() plans the windows of each resource, fetches and loads them one by one, and gives the result that the
-- workflow returns. Each window is one transaction (sync.load); a retry goes on where the last attempt stopped.

local activity = require "activity.api"
local client = require "sync.client"
local contract = require "sync.contract"
local declare = require "sync.declare"
local drift = require "sync.drift"
local errors = require "errors"
local json = require "json"
local lease = require "sync.lease"
local ledger = require "sync.ledger"
local load = require "sync.load"
local log = require "activity.log"
local pg = require "activity.pg"
local rehearsal = require "sync.rehearsal"
local schema = require "sync.schema"
local secrets = require "native.secret"
local vendor = require "sync.vendor"
local windows = require "sync.windows"

local sync = { source = declare.source, resource = declare.resource, names = declare.names, find = declare.find,
  chosen = declare.chosen, forget = declare.forget }

-- What of a source's secrets is not set.
local function unset(source)
  local names = {}
  for _, name in ipairs(source.secrets or {}) do
    if not (secrets.setting(name) or secrets.setting(name .. "_FILE")) then names[#names + 1] = name end
  end
  return names
end

--- Asks a vendor one cheap question, the source's `probe`, which shows that address and credentials are right. Raises what a
--- sync would raise. A source whose secrets are not set is not asked, nor is one without a probe.
---@param name string
---@return string? found  what the vendor said, in a few words; nil when it was not asked
---@return string[] unset  the secrets that are not set
function sync.probe(name)
  local source = declare.find(name)
  local missing = unset(source)
  if #missing > 0 or not source.probe then return nil, missing end
  return source.probe(vendor.new({ source = source, resource = {}, kwargs = {}, client = source.client }, {})), missing
end

--- Calls `observer(step)` after every step of every load: "fetched", "lock", "merge", "committed" and so on. For tests that
--- break off at each of them.
---@param observer fun(step: string)?
function sync.observe(observer)
  load.observer = observer
end

-- --- what is asked for ---

-- Arguments every source takes; its own come on top.
local KWARGS = { from = true, to = true, window_days = true, client_id = true, allow_shrink = true, now = true }

-- JSON's null is a missing argument.
local function given(value)
  if value == json.null then return nil end
  return value
end

local function takes_full(source)
  for _, resource in ipairs(source) do
    if resource.window == "changes" then return true end
  end
end

local function check_kwargs(source, kwargs)
  for key in pairs(kwargs) do
    local known = KWARGS[key] or key == "full" and takes_full(source)
    for _, name in ipairs(source.kwargs or {}) do known = known or name == key end
    if not known then error(errors.ValueError(("source %s takes no argument %q"):format(source.name, key)), 0) end
  end
end

-- The client by its own argument, or by the old system's among those of the source.
local function client_of(source, input, kwargs)
  local asked, old = given(input.client), given(kwargs.client_id)
  if asked and old and tostring(asked) ~= tostring(old) then
    error(errors.ValueError(("client is %s and source_kwargs.client_id is %s"):format(asked, old)), 0)
  end
  return client.choose(source, asked or old)
end

local function need_tables(connection)
  local missing = schema.missing(connection)[1]
  if not missing then return end
  error(errors.ApplicationError { type = "ConfigError", non_retryable = true,
    message = ("the database is not up to date, it lacks %q: run `signalroom migrate`"):format(missing[1]) }, 0)
end

-- --- windows ---

-- The rows of a window as the contract wants them; fetched a second time when columns were added for new fields.
local function fetch(job, window)
  local requests, bytes, began = 0, 0, nil
  local run, again
  repeat
    if run then run:close() end
    run = vendor.new(job, window)
    run.requests, run.bytes, run.began = run.requests + requests, run.bytes + bytes, began or run.began
    job.resource.fetch(run, window)
    again = job.resource.columns ~= nil and contract.look(job, run)
    requests, bytes, began = run.requests, run.bytes, run.began
  until not again
  return run
end

-- Asking for the list of files is a cost too: of the first one.
local function add_listing(job, run)
  local listing = job.plan.listing
  if not listing then return end
  run.requests, run.bytes, job.plan.listing = run.requests + listing.requests, run.bytes + listing.bytes, nil
end

local function fetch_and_load(job, window)
  local run = fetch(job, window)
  add_listing(job, run)
  local result = load.window(job.connection, job, window, run)
  run:close()
  return result
end

-- One window: fetched unless an earlier attempt has loaded it, then loaded in one transaction.
local function run_window(job, window)
  local done = load.recorded(job.connection, job, window)
  if done then return done end
  window.cursor, window.fetched_at = load.cursor(job.connection, job)
  local ok, result = pcall(fetch_and_load, job, window)
  if ok then return result end
  if errors.is(result) and result.type == "ContractError" and not job.dry then drift.save(job.connection, job, result.findings, nil) end
  error(result, 0)
end

-- A refused file is noted and passed over: the run loads the others, and fails at its end.
local function run_file(job, window, refused)
  local ok, result = pcall(run_window, job, window)
  if ok then return result end
  if not errors.is(result) or result.type ~= "FileRefused" then error(result, 0) end
  if not job.dry then ledger.note(job.connection, job, window.file, { status = "refused", problem = result.message }) end
  log.error("file_processing_error", { source = job.source.name, file = window.file.name, problem = result.message })
  refused[#refused + 1] = result.message
  return { counts = {} }
end

-- The plan of days is kept for the next attempt; of files the ledger knows what is left.
local function plan_of(job, progress)
  if job.resource.window == "files" then return windows.plan(job) end
  local plan = progress.plans[job.resource.name] or windows.plan(job)
  progress.plans[job.resource.name] = plan
  return plan
end

-- --- resources and the run ---

local function add_counts(total, counts)
  for key, value in pairs(counts) do total[key] = (total[key] or 0) + value end
end

-- When the run began with a resource, whichever attempt that was.
local function begun(job, progress)
  progress.since = progress.since or {}
  local name = job.resource.name
  progress.since[name] = progress.since[name] or job.connection:query("SELECT clock_timestamp()::text AS now")[1].now
  return progress.since[name]
end

local function run_resource(job, progress)
  local plan = plan_of(job, progress)
  local total = { new = 0, changed = 0, same = 0, deleted = 0, rows = 0 }
  local since = begun(job, progress)
  job.plan, job.contract = plan, contract.read(job.connection, job)
  if plan.listing and #plan.windows == 0 then
    local nothing = load.nothing(job.connection, job, plan.listing)
    progress.load_id = progress.load_id or nothing.dlt_load_id
  end
  for i, window in ipairs(plan.windows) do
    progress.resource, progress.window, progress.of = job.resource.name, i, #plan.windows
    activity.heartbeat(progress)
    lease.renew(job.lease)
    local result = window.file and run_file(job, window, job.refused) or run_window(job, window)
    add_counts(total, result.counts)
    progress.load_id = progress.load_id or result.dlt_load_id
  end
  if total.rows > 0 and not job.dry then drift.settle(job.connection, job, since) end
  return total
end

local function run_all(order, progress)
  local rows, counts = json.object {}, json.object {}
  for _, resource in ipairs(order.resources) do
    local job = setmetatable({ resource = resource }, { __index = order })
    counts[resource.name] = run_resource(job, progress)
    rows[resource.name] = counts[resource.name].rows
  end
  return rows, counts
end

local function refuse_files(refused)
  if #refused == 0 then return end
  error(errors.ApplicationError { type = "FileRefused", non_retryable = true,
    message = ("%d files were refused, the others are loaded: %s"):format(#refused, table.concat(refused, "; ")) }, 0)
end

-- What all attempts of this run have cost, by the records of what they loaded.
local function cost(order)
  return order.connection:query([[SELECT coalesce(sum(requests), 0)::float8 AS requests, coalesce(sum(bytes), 0)::float8 AS bytes,
      coalesce(sum(seconds), 0)::float8 AS seconds
    FROM signalroom.loads WHERE source = $1 AND run_id = $2]], order.source.name, order.run_id)[1]
end

local function rehearsed(order, rows, counts)
  local kept = order.dry
  return { pipeline_name = order.source.name, client = order.client, dry = true, row_counts = rows, counts = counts,
    requests = kept.requests, bytes = kept.bytes, seconds = math.floor(kept.seconds * 1000 + 0.5) / 1000,
    samples = json.array(kept.samples), ddl = json.array(kept.ddl), warnings = json.array(kept.warnings), success = true,
    error_message = json.null }
end

local function finish(order, progress, rows, counts)
  if order.dry then return rehearsed(order, rows, counts) end
  local spent = cost(order)
  log.info("pipeline_completed", { source = order.source.name, client = order.client, load_id = progress.load_id, counts = counts,
    requests = spent.requests, bytes = spent.bytes, seconds = spent.seconds })
  return { pipeline_name = order.source.name, client = order.client, load_id = progress.load_id or "", row_counts = rows, counts = counts,
    requests = spent.requests, bytes = spent.bytes, seconds = math.floor(spent.seconds * 1000 + 0.5) / 1000,
    warnings = json.array(drift.warnings(order.connection, order.source.name, order.run_id)),
    success = true, error_message = json.null }
end

--- Runs one source: every window of every resource chosen, for one client.
--- `dry` changes nothing in the database; the result then has `samples` and `ddl`, and no load_id.
---@param input { source_name: string, source_kwargs: table?, resources: string[]?, client: string?, dry: boolean? }
---@return table result  { pipeline_name, client, load_id, row_counts, counts, requests, bytes, seconds, warnings, success, error_message }
function sync.run(input)
  local source, kwargs = declare.find(input.source_name), given(input.source_kwargs) or {}
  check_kwargs(source, kwargs)
  local order = { source = source, kwargs = kwargs, client = client_of(source, input, kwargs), info = activity.info(), refused = {},
    resources = declare.chosen(source, given(input.resources)), connection = pg.connect(),
    dry = input.dry == true and rehearsal.new() or nil }
  order.run_id = order.info.run_id or order.info.activity_id
  local progress = activity.details() or { plans = {} }
  need_tables(order.connection)
  log.info("pipeline_starting", { source = source.name, client = order.client, resumes_at = progress.window })
  local live = not (kwargs.from or kwargs.to or order.dry)
  order.lease = live and lease.take(order, source.name .. "/" .. order.client) or nil
  local ok, rows, counts = pcall(run_all, order, progress)
  local given_up, problem = pcall(lease.give, order.lease)
  if not ok then error(rows, 0) end
  if not given_up then error(problem, 0) end
  refuse_files(order.refused)
  local result = finish(order, progress, rows, counts)
  order.connection:close()
  return result
end

return sync

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
local dates = require "sync.dates"
local duration = require "duration"
local errors = require "errors"
local files = require "sync.files"
local json = require "json"
local ledger = require "sync.ledger"
local load = require "sync.load"
local log = require "activity.log"
local nearest = require "nearest"
local pg = require "activity.pg"
local rate = require "sync.rate"
local schema = require "sync.schema"
local secrets = require "native.secret"
local vendor = require "sync.vendor"
local windows = require "sync.windows"

local sync = {}

local sources = {}

local SOURCE_FIELDS = { base_url = "string", tz = "string", lookback = "string", initial = "string", client = "string", kwargs = "table",
  rate = "string", busy = "string", secrets = "table", headers = "function", token = "function", probe = "function" }
local RESOURCE_FIELDS = { key = "table", columns = "table", stored = "table", window = "string", window_column = "string", days = "number",
  max_days = "number", cursor = "string", fetch = "function", filters = "table", allow_shrink = "boolean", files = "function" }
local WINDOWS = { range = true, day = true, none = true, changes = true, files = true }
local DAYS = { range = true, day = true }

local function check_fields(what, declared, known)
  for key, value in pairs(declared) do
    if type(key) == "string" then
      local wanted = known[key]
      if not wanted then
        local names = {}
        for name in pairs(known) do names[#names + 1] = name end
        table.sort(names)
        local close = nearest.word(key, names)
        error(("%s has no field %q%s"):format(what, key, close and ("; did you mean %q?"):format(close) or ""), 3)
      end
      if type(value) ~= wanted then error(("%s: %s is a %s, not a %s"):format(what, key, wanted, type(value)), 3) end
    end
  end
end

local function need(what, declared, ...)
  for _, key in ipairs { ... } do
    if declared[key] == nil then error(("%s lacks %s"):format(what, key), 3) end
  end
end

local function check_rows(what, declared)
  need(what, declared, "key", "fetch")
  if declared.window ~= "none" then need(what, declared, "columns") end
  if DAYS[declared.window] then need(what, declared, "window_column") end
  for _, column in ipairs(declared.key) do
    local there = not declared.columns or declared.columns[column]
    if not there then error(("%s: the key column %q is not among its columns"):format(what, column), 3) end
  end
end

local function check_files(what, declared)
  need(what, declared, "files", "fetch")
  if declared.key or declared.columns then error(what .. ": files bring their own key and columns", 3) end
  declared.key, declared.window_column = files.KEY, files.KEY[1]
end

--- Declares one table of a source; belongs inside `source`.
---@param name string  the table's name in the source's schema
---@return fun(declared: table): table
function sync.resource(name)
  return function(declared)
    local what = ("resource %q"):format(name)
    check_fields(what, declared, RESOURCE_FIELDS)
    declared.window = declared.window or "none"
    if not WINDOWS[declared.window] then error(what .. ': window is "range", "day", "changes", "files" or "none"', 2) end
    if declared.window == "files" then check_files(what, declared) else check_rows(what, declared) end
    declared.name = name
    return declared
  end
end

--- Declares a source. One file a vendor; the name is what `signalroom trigger NAME` takes and the schema's name.
---@param name string
---@return fun(declared: table)
function sync.source(name)
  return function(declared)
    local what = ("source %q"):format(name)
    check_fields(what, declared, SOURCE_FIELDS)
    need(what, declared, "base_url")
    if #declared == 0 then error(what .. " has no resource", 2) end
    if sources[name] then error(what .. " is declared twice", 2) end
    declared.name = name
    declared.tz = declared.tz or "America/New_York"
    declared.lookback_days = math.ceil(duration.ms(declared.lookback or "3d", "lookback") / 86400000)
    declared.initial = dates.check(declared.initial or "2025-12-20")
    declared.client = declared.client or "713"
    declared.busy_ms = declared.busy and duration.ms(declared.busy, "busy")
    declared.limit = declared.rate and rate.new(declared.rate)
    sources[name] = declared
  end
end

--- Forgets every source, so that changed scripts can declare theirs anew.
function sync.forget()
  for name in pairs(sources) do sources[name] = nil end
end

--- The names of all sources, sorted.
---@return string[]
function sync.names()
  local names = {}
  for name in pairs(sources) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function find_source(name)
  local source = sources[name]
  if not source then
    error(errors.ValueError(("Unknown source: %s. Available: %s"):format(tostring(name), table.concat(sync.names(), ", "))), 0)
  end
  return source
end

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
  local source = find_source(name)
  local missing = unset(source)
  if #missing > 0 or not source.probe then return nil, missing end
  return source.probe(vendor.new({ source = source, resource = {}, kwargs = {} }, {})), missing
end

--- Calls `observer(step)` after every step of every load: "fetched", "lock", "merge", "committed" and so on. For tests that
--- break off at each of them.
---@param observer fun(step: string)?
function sync.observe(observer)
  load.observer = observer
end

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

local function chosen(source, names)
  if not names then return source end
  local list = {}
  for _, name in ipairs(names) do
    local found
    for _, resource in ipairs(source) do found = found or resource.name == name and resource end
    if not found then error(errors.ValueError(("source %s has no resource %q"):format(source.name, name)), 0) end
    list[#list + 1] = found
  end
  return list
end

local function add_counts(total, counts)
  for key, value in pairs(counts) do total[key] = (total[key] or 0) + value end
end

-- One window: fetched unless an earlier attempt has loaded it, then loaded in one transaction.
local function run_window(job, window)
  local done = load.recorded(job.connection, job, window)
  if done then return done end
  window.cursor, window.fetched_at = load.cursor(job.connection, job)
  local run = vendor.new(job, window)
  job.resource.fetch(run, window)
  return load.window(job.connection, job, window, run)
end

local function need_tables(connection)
  local missing = schema.missing(connection)[1]
  if not missing then return end
  error(errors.ApplicationError { type = "ConfigError", non_retryable = true,
    message = ("the database is not up to date, it lacks %q: run `signalroom migrate`"):format(missing[1]) }, 0)
end

-- A refused file is noted and passed over: the run loads the others, and fails at its end.
local function run_file(job, window, refused)
  local ok, result = pcall(run_window, job, window)
  if ok then return result end
  if not errors.is(result) or result.type ~= "FileRefused" then error(result, 0) end
  ledger.note(job.connection, job, window.file, { status = "refused", problem = result.message })
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

local function run_resource(job, progress)
  local plan = plan_of(job, progress)
  local total = { new = 0, changed = 0, same = 0, deleted = 0, rows = 0 }
  if plan.listing and #plan.windows == 0 then
    local nothing = load.nothing(job.connection, job, plan.listing)
    progress.load_id = progress.load_id or nothing.load_no
  end
  for i, window in ipairs(plan.windows) do
    progress.resource, progress.window, progress.of = job.resource.name, i, #plan.windows
    activity.heartbeat(progress)
    job.plan = plan
    local result = window.file and run_file(job, window, job.refused) or run_window(job, window)
    add_counts(total, result.counts)
    progress.load_id = progress.load_id or result.load_no
  end
  return total
end

--- Runs one source: every window of every resource chosen.
---@param input { source_name: string, source_kwargs: table?, resources: string[]? }
---@return table result  { pipeline_name, load_id, row_counts, counts, success, error_message }
function sync.run(input)
  local source = find_source(input.source_name)
  local kwargs = given(input.source_kwargs) or {}
  check_kwargs(source, kwargs)
  local info = activity.info()
  local progress = activity.details() or { plans = {} }
  local connection = pg.connect()
  need_tables(connection)
  log.info("pipeline_starting", { source = source.name, resumes_at = progress.window })
  local rows, counts, refused = json.object {}, json.object {}, {}
  for _, resource in ipairs(chosen(source, given(input.resources))) do
    local job = { source = source, resource = resource, kwargs = kwargs, connection = connection, info = info, refused = refused,
      client = tostring(kwargs.client_id or source.client) }
    counts[resource.name] = run_resource(job, progress)
    rows[resource.name] = counts[resource.name].rows
  end
  connection:close()
  if #refused > 0 then
    error(errors.ApplicationError { type = "FileRefused", non_retryable = true,
      message = ("%d files were refused, the others are loaded: %s"):format(#refused, table.concat(refused, "; ")) }, 0)
  end
  log.info("pipeline_completed", { source = source.name, load_id = progress.load_id, counts = counts })
  return { pipeline_name = source.name, load_id = progress.load_id or "", row_counts = rows, counts = counts, success = true,
    error_message = json.null }
end

return sync

-- A sync that changes nothing: every window is fetched, judged and loaded as ever, and its transaction rolled back. What it
-- would have done is kept here.

local sql = require "sync.sql"

local SAMPLES = 3 -- of a window, and of what it deletes

local ROLLED_BACK = {} -- raised at the end of a transaction, and by nothing else

local rehearsal = {}

--- Begins to keep what a run would do.
---@return table kept
function rehearsal.new()
  return { samples = {}, ddl = {}, warnings = {}, requests = 0, bytes = 0, seconds = 0 }
end

local function add_once(list, text)
  for _, one in ipairs(list) do
    if one == text then return end
  end
  list[#list + 1] = text
end

local function sample(work, rows)
  for _, row in ipairs(rows) do
    row.table = work.job.resource.name
    table.insert(work.job.dry.samples, row)
  end
end

--- Right before a merge: some rows that it will write.
---@param tx table
---@param work table
function rehearsal.merging(tx, work)
  if work.job.dry then sample(work, tx:query(sql.sample_merge(work, SAMPLES), work.client, sql.text_array(work.target.key))) end
end

--- Right before rows that vanished are deleted: some of them.
---@param tx table
---@param work table
function rehearsal.deleting(tx, work, from, to)
  if work.job.dry then sample(work, tx:query(sql.sample_vanished(work, SAMPLES), from, to, work.client, work.fetched_at)) end
end

--- Counts what a fetch has cost.
---@param kept table
---@param run table
---@param seconds number
function rehearsal.spent(kept, run, seconds)
  kept.requests, kept.bytes, kept.seconds = kept.requests + run.requests, kept.bytes + run.bytes, kept.seconds + seconds
end

--- Runs `load(tx)` in a transaction that is rolled back, and keeps what it did.
---@param connection table
---@param work table
---@param load fun(tx: table)
function rehearsal.transaction(connection, work, load)
  local _, problem = pcall(connection.transaction, connection, function(tx)
    load(tx)
    error(ROLLED_BACK, 0)
  end)
  if problem ~= ROLLED_BACK then error(problem, 0) end
  local kept = work.job.dry
  for _, statement in ipairs(work.ddl or {}) do add_once(kept.ddl, statement) end
  for _, finding in ipairs(work.findings or {}) do
    add_once(kept.warnings, ("%s.%s: %s"):format(work.job.source.name, work.job.resource.name, finding.text))
  end
end

return rehearsal

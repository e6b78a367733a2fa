-- What is kept of drift: the fields that loads have seen, and the findings about them (sync.contract). An open finding is said
-- once, by the run that had it first; when a later load finds nothing of the kind it is settled, and may be said again.

local contract = require "sync.contract"
local sql = require "sync.sql"
local staged = require "sync.staged"

local drift = {}

local TEXT = { text = true, ["character varying"] = true }

local function no_longer_fits(work, column, existing)
  return not work.window.file and column.type == "text" and not TEXT[existing]
end

-- Where what has columns of its own (a file, a sheet) and its table differ.
local function own_findings(work)
  local job, existing, list, have = work.job, work.target.existing, {}, {}
  for _, column in ipairs(work.columns) do
    have[column.name] = true
    local old = existing[column.name]
    if not old then
      list[#list + 1] = { kind = "new_column", field = column.name, policy = job.resource.drift.new_column, column_name = column.name,
        text = ("new column %s (%s)"):format(column.name, column.type) }
    elseif no_longer_fits(work, column, old) then
      list[#list + 1] = { kind = "type_change", field = column.name, policy = "fail",
        text = ("column %s is %s, and now has values that are none"):format(column.name, old) }
    end
  end
  for name in pairs(existing) do
    if not have[name] and not sql.is_own(name) then
      list[#list + 1] = { kind = "missing_column", field = name, policy = job.resource.drift.missing_column,
        text = ("column %s, which earlier loads had, is not there"):format(name) }
    end
  end
  return list
end

local function save_fields(tx, job, run)
  for _, field in ipairs(contract.learn(job, run)) do
    tx:query([[INSERT INTO signalroom.schema_fields (source, resource, field, column_name, type) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT DO NOTHING]], job.source.name, job.resource.name, field.field, field.column_name, field.type)
  end
end

--- Writes findings; one that is open already is counted.
---@param connection table
---@param job table
---@param list table[]
---@param load_no string?  nil when nothing was loaded
function drift.save(connection, job, list, load_no)
  for _, finding in ipairs(list) do
    connection:query([[INSERT INTO signalroom.schema_changes (source, resource, client_id, kind, field, column_name, policy, message,
        load_no, workflow_id, run_id)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::bigint, $10, $11)
      ON CONFLICT (source, resource, client_id, kind, field, policy) WHERE settled_at IS NULL
      DO UPDATE SET times = schema_changes.times + 1, message = excluded.message, last_seen_at = clock_timestamp()]],
      job.source.name, job.resource.name, job.client, finding.kind, finding.field, finding.column_name, finding.policy, finding.text,
      load_no, job.info.workflow_id, job.run_id)
  end
end

--- Once all windows of a run are loaded: settles what none of them has shown. A field that is new once is known for ever.
---@param connection table
---@param job table
---@param since string  when the run began, by the database's clock
function drift.settle(connection, job, since)
  connection:query([[UPDATE signalroom.schema_changes SET settled_at = clock_timestamp()
    WHERE source = $1 AND resource = $2 AND client_id = $3 AND settled_at IS NULL AND kind <> 'new_column'
      AND last_seen_at < $4::timestamptz]], job.source.name, job.resource.name, job.client, since)
end

-- Columns that the resource has always declared and the table does not have: new in the script, or taken away by hand.
local function column_findings(work, list)
  local told = {}
  for _, finding in ipairs(work.job.contract.findings) do told[finding.column_name or ""] = true end
  for name in pairs(work.job.dry and work.job.contract.added or {}) do told[name] = true end -- an earlier window's, rolled back
  for _, name in ipairs(work.target.exists and work.target.names or {}) do
    if not work.target.existing[name] and not told[name] then
      list[#list + 1] = { kind = "table_column", field = name, policy = "warn",
        text = ("column %s was not in the table and is added; rows loaded before have nothing there until they are loaded again"):format(
          name) }
    end
  end
end

local function add_all(list, more)
  for _, finding in ipairs(more) do list[#list + 1] = finding end
end

-- What the fetch was not judged by yet.
local function judge_stage(tx, work)
  local list = staged.enums(tx, work)
  add_all(list, staged.nuls(work))
  if not work.job.resource.columns then
    add_all(list, work.target.exists and own_findings(work) or {})
  else
    column_findings(work, list)
  end
  contract.judge(work.job, list)
  return list
end

--- In the transaction of a load, once its table and stage are there: judges what is in the stage, leaves out rows without a
--- key where that is no failure, and keeps fields. What was found is in work.findings.
---@param tx table
---@param work table
function drift.step(tx, work)
  local job, list = work.job, judge_stage(tx, work)
  if job.resource.columns then
    add_all(list, job.contract.findings)
    job.contract.findings = {}
    save_fields(tx, job, work.run)
  end
  for _, finding in ipairs(list) do
    if finding.kind == "null_key" then work.staged = work.staged - tx:exec(sql.delete_keyless(work)) end
  end
  work.findings = list
end

--- Once the rows of the stage are merged: judges keys that came twice.
---@param tx table
---@param work table
---@param kept integer  rows with different keys
function drift.merged(tx, work, kept)
  local list = staged.duplicates(tx, work, kept)
  contract.judge(work.job, list)
  add_all(work.findings, list)
end

--- Behind the load's record: keeps what was found.
---@param tx table
---@param work table
function drift.keep(tx, work)
  drift.save(tx, work.job, work.findings, work.load_no)
end

--- What runs that loaded have found first, in words.
---@return string[]
function drift.warnings(connection, source, run_id)
  local list = {}
  local rows = connection:query([[SELECT resource, message FROM signalroom.schema_changes
    WHERE source = $1 AND run_id = $2 AND policy <> 'fail' ORDER BY change_no]], source, run_id)
  for i, row in ipairs(rows) do list[i] = ("%s.%s: %s"):format(source, row.resource, row.message) end
  return list
end

return drift

-- What is kept of drift: the fields that loads have seen, and the findings about them (sync.contract). An open finding is said
-- once, by the run that had it first; when a later load finds nothing of the kind it is settled, and may be said again.

local contract = require "sync.contract"
local sql = require "sync.sql"

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

-- A field that is new once is known for ever.
local function settle(tx, job, list)
  local fields = {}
  for i, finding in ipairs(list) do fields[i] = finding.kind .. " " .. finding.field end
  tx:query([[UPDATE signalroom.schema_changes SET settled_at = clock_timestamp()
    WHERE source = $1 AND resource = $2 AND client_id = $3 AND settled_at IS NULL AND kind <> 'new_column'
      AND NOT (kind || ' ' || field = ANY ($4::text[]))]], job.source.name, job.resource.name, job.client, sql.text_array(fields))
end

--- In the transaction of a load, once its table and stage are there: judges a file's columns, leaves out rows without a
--- key where that is no failure, and keeps fields. What was found is in work.findings.
---@param tx table
---@param work table
function drift.step(tx, work)
  local job, list = work.job, {}
  if not job.resource.columns then
    list = work.target.exists and own_findings(work) or list
    contract.judge(job, list)
  else
    list, job.contract.findings = job.contract.findings, {}
    save_fields(tx, job, work.run)
  end
  for _, finding in ipairs(list) do
    if finding.kind == "null_key" then tx:exec(sql.delete_keyless(work)) end
  end
  work.findings = list
end

--- Behind the load's record: keeps what was found, and settles what is as it should be again.
---@param tx table
---@param work table
function drift.keep(tx, work)
  drift.save(tx, work.job, work.findings, work.load_no)
  if work.run:count() > 0 then settle(tx, work.job, work.findings) end
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

-- What a resource may expect of its vendor's rows, and what is done when they drift from it.
--
--   kind             is                                                      policies, the first unless told otherwise
--   new_column       a field that no earlier load has seen                   add (a column for it), warn, fail
--   missing_column   a field that earlier loads had is in no row             warn, fail
--   type_change      a value that does not fit its column's type             fail, warn (null in its place)
--   null_key         a key column without a value                            fail, warn (the row is left out)
--   duplicate_key    a row has the key of an earlier one                     fail (and try again), warn (the last one counts)
--   enum_surprise    a value that the column's `enums` do not have           warn, fail
--
-- A required column ("int!") that has no value always fails. Judged is the whole window, before anything is written: so a
-- finding says in how many rows of how many. Findings are kept in signalroom.schema_changes, fields in
-- signalroom.schema_fields, both written in the transaction of the rows that they are about (sync.drift).

local errors = require "errors"
local log = require "activity.log"
local mistake = require "mistake"
local names = require "sync.names"

local POLICIES = {
  new_column = { "add", "warn", "fail" }, missing_column = { "warn", "fail" }, type_change = { "fail", "warn" },
  null_key = { "fail", "warn" }, duplicate_key = { "fail", "warn" }, enum_surprise = { "warn", "fail" },
}

local contract = {}

--- The policies of a resource: those given, else the first of each kind.
---@param what string  the resource, for messages
---@param given table<string, string>?
---@return table<string, string>
function contract.policies(what, given)
  local chosen = {}
  for kind, list in pairs(POLICIES) do chosen[kind] = list[1] end
  for kind, policy in pairs(given or {}) do
    local list = POLICIES[kind]
    if not list then mistake(("%s: drift has no kind %q"):format(what, tostring(kind))) end
    local known = false
    for _, one in ipairs(list) do known = known or one == policy end
    if not known then mistake(("%s: drift.%s is %s, not %q"):format(what, kind, table.concat(list, " or "), tostring(policy))) end
    chosen[kind] = policy
  end
  return chosen
end

--- What earlier loads saw of a resource's fields, by path.
---@return { fields: table<string, table>, baseline: boolean, added: table<string, string>, findings: table[] }
function contract.read(connection, job)
  local known = { fields = {}, added = {}, findings = {}, baseline = true }
  local rows = connection:query([[SELECT field, column_name, type FROM signalroom.schema_fields WHERE source = $1 AND resource = $2]],
    job.source.name, job.resource.name)
  for _, row in ipairs(rows) do
    known.baseline = false
    known.fields[row.field] = row
    if row.column_name then known.added[row.column_name] = { type = row.type, at = row.field } end
  end
  return known
end

-- Types as columns are declared, where Postgres has another word.
local WORD = { boolean = "bool" }

--- A resource's columns with those that were added for new fields.
---@return table<string, string>
function contract.columns(job)
  local columns = {}
  for name, column in pairs(job.contract.added) do columns[name] = ("%s at %s"):format(WORD[column.type] or column.type, column.at) end
  for name, spec in pairs(job.resource.columns) do columns[name] = spec end
  return columns
end

-- --- findings ---

local function field_of(at)
  return at:match "([^.]+)$" or at
end

local function is_key(job, name)
  for _, key in ipairs(job.resource.key) do
    if key == name then return true end
  end
  return false
end

local function place(column)
  return column.at == column.name and "" or (", column %s at %s"):format(column.name, column.at)
end

local function without_value(job, column, rows)
  local key = is_key(job, column.name)
  return { kind = key and "null_key" or "required", field = column.at, policy = key and job.resource.drift.null_key or "fail",
    text = ("%s field %s missing in %d/%d rows (first in row %d%s)"):format(key and "key" or "required", field_of(column.at),
      column.missing, rows, column.first_missing, place(column)) }
end

local function misfit(job, column, rows)
  local added = job.contract.added[column.name]
  return { kind = "type_change", field = column.at, policy = added and "warn" or job.resource.drift.type_change,
    text = ("field %s does not fit %s in %d/%d rows (first in row %d: %s%s)"):format(field_of(column.at), column.type, column.misfits, rows,
      column.first_misfit, column.misfit, place(column)) }
end

local function vanished(job, at)
  return { kind = "missing_column", field = at, policy = job.resource.drift.missing_column,
    text = ("field %s, which earlier loads had, is in no row"):format(at) }
end

-- The name of a new field's column; nil when both that could be are taken.
local function column_name(job, at)
  local taken = job.contract.added
  local path = at:gsub('"', "")
  for _, name in ipairs { names.snake(field_of(path)), names.snake((path:gsub("%.", "__"))) } do
    if name ~= "" and #name <= 63 and not taken[name] and not job.resource.columns[name] then return name end
  end
end

local function new_field(job, stranger)
  local policy = job.resource.drift.new_column
  local name = policy == "add" and column_name(job, stranger.at) or nil
  if policy == "add" and not name then policy = "warn" end
  return { kind = "new_column", field = stranger.at, policy = policy, column_name = name, type = stranger.type,
    text = ("new field %s (%s)%s"):format(stranger.at, stranger.type, name and ", added as column " .. name or "") }
end

local function column_findings(job, run, rows, list)
  local fields = job.contract.fields
  for _, column in ipairs(run.plan:columns()) do
    if column.missing > 0 and (column.required or is_key(job, column.name)) then
      list[#list + 1] = without_value(job, column, rows)
    elseif not run.mapped and column.absent == rows and fields[column.at] then
      list[#list + 1] = vanished(job, column.at)
    end
    if column.misfits > 0 then list[#list + 1] = misfit(job, column, rows) end
  end
end

local function stranger_findings(job, strangers, list)
  if job.contract.baseline then return end
  for _, stranger in ipairs(strangers) do
    if stranger.type and not job.contract.fields[stranger.at] then list[#list + 1] = new_field(job, stranger) end
  end
end

-- Of mapped rows the script alone knows which fields it uses; so each one that earlier loads had counts.
local function raw_findings(job, run, list)
  if not next(run.raw) then return end
  for at in pairs(job.contract.fields) do
    if not run.raw[at] then list[#list + 1] = vanished(job, at) end
  end
end

-- Keys come twice also when a list moved while it was read: that may be otherwise next time.
local function refuse(job, list)
  local said, lasting = {}, nil
  for _, finding in ipairs(list) do
    if finding.policy == "fail" then
      said[#said + 1] = finding.text
      lasting = lasting or finding.kind ~= "duplicate_key" or nil
    end
  end
  if #said == 0 then return end
  local err = errors.ApplicationError { type = "ContractError", non_retryable = lasting,
    message = ("%s.%s: %s; nothing was loaded"):format(job.source.name, job.resource.name, table.concat(said, "; ")) }
  err.findings = list
  error(err, 0)
end

local function note(job, list)
  for _, finding in ipairs(list) do
    log.warning("schema_drift", { source = job.source.name, resource = job.resource.name, kind = finding.kind, field = finding.field,
      policy = finding.policy, finding = finding.text })
  end
end

--- Judges findings by their policies: raises ContractError, with `findings`, when one of them is to fail.
---@param job table
---@param list table[]
function contract.judge(job, list)
  table.sort(list, function(a, b) return a.kind .. a.field < b.kind .. b.field end)
  note(job, list)
  refuse(job, list)
end

--- Judges the rows of a fetch. Raises ContractError when they break the contract.
---@param job table
---@param run table  sync.vendor's
---@return boolean again  columns were added: what was fetched lacks them
function contract.look(job, run)
  local list, again = {}, false
  local rows = run:count()
  if rows == 0 then return false end
  column_findings(job, run, rows, list)
  stranger_findings(job, run:strangers(), list)
  raw_findings(job, run, list)
  contract.judge(job, list)
  for _, finding in ipairs(list) do
    if finding.column_name then
      job.contract.added[finding.column_name] = { type = finding.type, at = finding.field }
      again = true
    end
  end
  for _, finding in ipairs(list) do -- what is fetched again is judged again, but added columns are strange no more
    if not again or finding.kind == "new_column" then table.insert(job.contract.findings, finding) end
  end
  return again
end

--- The fields of a fetch that no load has noted yet, for its transaction to note; from then on they are known.
---@return { field: string, column_name: string?, type: string? }[]
function contract.learn(job, run)
  local known, list = job.contract, {}
  local function learn(field, name, kind)
    if known.fields[field] then return end
    known.fields[field] = { field = field, column_name = name, type = kind }
    list[#list + 1] = known.fields[field]
  end
  if run:count() == 0 then return list end
  for _, column in ipairs(run.plan:columns()) do
    local added = known.added[column.name]
    if added then
      learn(added.at, column.name, added.type)
    elseif not run.mapped and column.absent < run:count() then
      learn(column.at)
    end
  end
  for _, stranger in ipairs(run:strangers()) do
    if stranger.type or known.baseline then learn(stranger.at, nil, stranger.type) end
  end
  known.baseline = false
  return list
end

return contract

-- The typed view beside a table: where a column has an older type than the resource declares (dates that the old system kept
-- as text, money as double precision), SCHEMA.TABLE_typed shows the same rows with the declared types.

local errors = require "errors"
local sql = require "sync.sql"

local views = {}

local function typed_columns(tx, work)
  local declared, list, differs = {}, {}, false
  for _, column in ipairs(work.columns) do declared[column.name] = column.type end
  local rows = tx:query([[SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum]], work.target.table)
  for i, row in ipairs(rows) do
    local kind = declared[row.name]
    if kind == "timestamptz" then kind = "timestamp with time zone" end
    local other = kind ~= nil and kind ~= row.type and not (kind == "text" and row.type:find "^character varying")
    differs = differs or other
    list[i] = { name = row.name, type = other and kind or row.type, cast = other }
  end
  return list, differs
end

-- The columns of what has the view's name, as one text; its kind, nil when there is none.
local function existing(tx, name)
  return tx:query([[SELECT c.relkind::text AS kind,
      (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) AS columns
    FROM pg_class c WHERE c.oid = to_regclass($1)]], name)[1]
end

local function statements(name, work, list, old)
  local parts, wanted = {}, {}
  for i, column in ipairs(list) do
    local quoted = sql.name(column.name)
    parts[i] = column.cast and ("%s::%s AS %s"):format(quoted, column.type, quoted) or quoted
    wanted[i] = column.name .. " " .. column.type
  end
  local text = table.concat(wanted, ", ")
  if old and old.columns == text then return {} end
  local create = ("CREATE OR REPLACE VIEW %s AS SELECT %s FROM %s"):format(name, table.concat(parts, ", "), work.target.table)
  local grows = not old or text:sub(1, #old.columns + 2) == old.columns .. ", "
  return grows and { create } or { "DROP VIEW " .. name, create }
end

local function run(tx, list)
  for _, statement in ipairs(list) do tx:exec(statement) end
end

--- Brings the view to where the table is; in the normal case there is nothing to do. What stands in the way (a table of that
--- name, views of others on it) is a finding, and no failure of the load.
---@param tx table
---@param work table
function views.step(tx, work)
  local name = work.target.schema .. "." .. sql.name(work.job.resource.name .. "_typed")
  local list, differs = typed_columns(tx, work)
  if not differs then return end
  local old = existing(tx, name)
  local problem = old and old.kind ~= "v" and name .. " is there and is no view"
  local needed = not problem and statements(name, work, list, old) or {}
  local ok, err = true, nil
  if #needed > 0 then ok, err = pcall(tx.transaction, tx, function() run(tx, needed) end) end
  if not ok then
    if not errors.is(err) or err.type ~= "DbError" then error(err, 0) end
    problem = err.message
  end
  if problem then
    table.insert(work.findings, { kind = "typed_view", field = name, policy = "warn",
      text = "the typed view is not up to date: " .. problem })
    return
  end
  for _, statement in ipairs(needed) do table.insert(work.ddl, statement) end
end

return views

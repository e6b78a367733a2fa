-- SignalRoom's own tables, in the schema `signalroom`. Each part of the house has one file in lua/migrations: a list of
-- steps { name, statement, ... }. A step runs once in a database, in the order of PARTS and of its file, in one transaction
-- with its record in signalroom.migrations. A step that was released is never changed: what shall be different is a new step.

local pg = require "activity.pg"

-- In this order; a new part is a line of its own, in its place in the alphabet unless it needs another's tables.
local PARTS = {
  "migrations.alerts",
  "migrations.drift",
  "migrations.files",
  "migrations.loads",
  "migrations.outbox",
  "migrations.reports",
}

local schema = {}

local function steps()
  local list = {}
  for _, part in ipairs(PARTS) do
    for _, step in ipairs(require(part)) do list[#list + 1] = step end
  end
  return list
end

local function applied(connection)
  local names = {}
  if not connection:query("SELECT to_regclass('signalroom.migrations') IS NOT NULL AS there")[1].there then return names end
  for _, row in ipairs(connection:query "SELECT name FROM signalroom.migrations") do names[row.name] = true end
  return names
end

--- The steps that a database lacks, in their order; none when it is up to date.
---@param connection table
---@return table[] steps
function schema.missing(connection)
  local done, list = applied(connection), {}
  for _, step in ipairs(steps()) do
    if not done[step[1]] then list[#list + 1] = step end
  end
  return list
end

local function apply(tx)
  tx:exec "SELECT pg_advisory_xact_lock(hashtextextended('signalroom.migrate', 0))"
  tx:exec "SET LOCAL client_min_messages = warning"
  local list, names = schema.missing(tx), {}
  if #list == 0 then return names end
  tx:exec "CREATE SCHEMA IF NOT EXISTS signalroom"
  tx:exec [[CREATE TABLE IF NOT EXISTS signalroom.migrations (
    name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())]]
  for i, step in ipairs(list) do
    for at = 2, #step do tx:exec(step[at]) end
    tx:query("INSERT INTO signalroom.migrations (name) VALUES ($1)", step[1])
    names[i] = step[1]
  end
  return names
end

--- Brings a database to where this version needs it. Safe to run again and at once from many workers.
---@param url string?  nil: the configured database
---@return string[] names of the steps that it lacked
function schema.migrate(url)
  local connection = pg.connect(url)
  local names = connection:transaction(apply)
  connection:close()
  return names
end

return schema

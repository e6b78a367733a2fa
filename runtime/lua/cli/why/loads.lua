-- When the source of a sync was last loaded, from our own table. Without a database, or with one that is down, that is
-- simply not said.

local converter = require "converter"
local pg = require "activity.pg"

local LAST = [[
  SELECT to_char(loaded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') AS at, rows_fetched AS rows
    FROM signalroom.loads WHERE source = $1 ORDER BY load_no DESC LIMIT 1]]

local function source_of(facts)
  if (facts.about.type and facts.about.type.name) ~= "SyncSourceWorkflow" then return nil end
  local started = facts.beginning[1] and facts.beginning[1].workflow_execution_started_event_attributes
  local ok, input = pcall(converter.decode_first, started and started.input)
  return ok and type(input) == "table" and type(input.source_name) == "string" and input.source_name or nil
end

local function last_load(source)
  local settings = pg.settings()
  settings.connect_timeout = "1s"
  local connection = pg.connect(settings)
  local rows = connection:query(LAST, source)
  connection:close()
  return rows[1] and ("%s was last loaded at %s, %d rows"):format(source, rows[1].at, rows[1].rows)
    or ("%s was never loaded"):format(source)
end

--- "everflow was last loaded at 2026-01-14 04:15:02Z, 37 rows"
---@param facts table
---@return string?
return function(facts)
  local source = source_of(facts)
  if not source then return nil end
  local ok, line = pcall(last_load, source)
  return ok and line or nil
end

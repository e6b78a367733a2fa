-- The SQL of a load: text only, no policy. Names are quoted, values are bound by the caller.
--
-- `work.target` describes the table as the catalog has it (sql.target); the temporary table is always `stage`.

local sql = {}

-- What every table of ours has beside the vendor's columns, and where its value comes from in the merge:
-- $1 client, $2 seconds since the epoch at which the vendor answered, $3 the id in _dlt_loads. The _dlt_ pair keeps old queries working.
local OWN = {
  { "_client_id", "text", "$1::text" },
  { "_loaded_at", "timestamptz", "to_timestamp($2::float8)" },
  { "_dlt_load_id", "text", "$3::text" },
  { "_dlt_id", "text", "gen_random_uuid()::text" },
}

--- Whether a column is one of those that every table of ours has.
function sql.is_own(name)
  for _, own in ipairs(OWN) do
    if own[1] == name then return true end
  end
  return false
end

--- A text as a literal.
local function literal(text)
  return "'" .. text:gsub("'", "''") .. "'"
end

--- A name as Postgres reads it back unchanged.
---@param name string
---@return string
function sql.name(name)
  return '"' .. name:gsub('"', '""') .. '"'
end

--- A list of texts as a Postgres array literal, for binding.
function sql.text_array(list)
  local parts = {}
  for i, text in ipairs(list) do parts[i] = '"' .. text:gsub('[\\"]', "\\%0") .. '"' end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function quoted(job)
  return sql.name(job.source.name) .. "." .. sql.name(job.resource.name)
end

-- "f(a), f(b), ..." over a list of column names.
local function each(names, format, separator)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = (format:gsub("%?", (sql.name(name):gsub("%%", "%%%%")))) end
  return table.concat(parts, separator or ", ")
end

local function catalog(tx, table_name)
  local types = {}
  local rows = tx:query([[SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped]], table_name)
  for _, row in ipairs(rows) do types[row.name] = row.type end
  return types, #rows > 0
end

--- The types of a resource's columns as its table has them, by name; none when there is no table yet.
---@return table<string, string>
function sql.types(connection, job)
  return (catalog(connection, quoted(job)))
end

local function has_key(tx, table_name, key)
  local rows = tx:query([[SELECT 1 AS found FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indpred IS NULL
    AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a
      WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey))
      = (SELECT array_agg(k ORDER BY k) FROM unnest($2::text[]) AS k)]], table_name, sql.text_array(key))
  return #rows > 0
end

-- Vendor columns in the order of the key first, then by name.
local function ordered(columns, key)
  local place, names = {}, {}
  for i, name in ipairs(key) do place[name] = i end
  for i, column in ipairs(columns) do names[i] = column.name end
  table.sort(names, function(a, b)
    local x, y = place[a] or math.huge, place[b] or math.huge
    if x ~= y then return x < y end
    return a < b
  end)
  return names
end

-- A row is named by the vendor's key and the client: two clients may have rows of one key.
local function unique_key(key)
  local names = { unpack(key) }
  names[#names + 1] = "_client_id"
  return names
end

-- What the table has and this file lacks is null in the file's rows.
local function add_existing(target)
  local have = {}
  for _, name in ipairs(target.names) do have[name] = true end
  for name, kind in pairs(target.existing) do
    if not have[name] and not sql.is_own(name) then
      target.names[#target.names + 1], target.types[name] = name, kind
    end
  end
end

--- The table a resource goes to, as the catalog has it now.
---@return table target
function sql.target(tx, job, columns)
  local resource = job.resource
  local target = { table = quoted(job), schema = sql.name(job.source.name), key = resource.key, names = ordered(columns, resource.key),
    types = {}, values = {} }
  local existing, exists = catalog(tx, target.table)
  target.exists, target.existing, target.keyed = exists, existing, exists and has_key(tx, target.table, unique_key(resource.key))
  for _, column in ipairs(columns) do
    target.types[column.name] = existing[column.name] or (resource.stored or {})[column.name] or column.type
  end
  if not resource.columns then add_existing(target) end
  local is_key = {}
  for _, name in ipairs(resource.key) do is_key[name] = true end
  for _, name in ipairs(target.names) do
    if not is_key[name] then target.values[#target.values + 1] = name end
  end
  return target
end

local function definitions(target)
  local parts = {}
  for i, name in ipairs(target.names) do parts[i] = sql.name(name) .. " " .. target.types[name] end
  return parts
end

function sql.create_stage(work)
  local parts = definitions(work.target)
  parts[#parts + 1] = "_seq bigint GENERATED ALWAYS AS IDENTITY"
  return ("CREATE TEMP TABLE stage (%s) ON COMMIT DROP"):format(table.concat(parts, ", "))
end

function sql.copy_stage(work)
  return ("COPY stage (%s) FROM STDIN"):format(each(work.run.plan:column_names(), "?"))
end

local function create_table(work)
  local parts = definitions(work.target)
  for _, own in ipairs(OWN) do parts[#parts + 1] = sql.name(own[1]) .. " " .. own[2] .. " NOT NULL" end
  parts[#parts + 1] = ("PRIMARY KEY (%s)"):format(each(unique_key(work.target.key), "?"))
  return ("CREATE TABLE %s (%s)"):format(work.target.table, table.concat(parts, ", "))
end

--- The DDL that the table needs for this load: nothing in the normal case, so that no lock is taken.
---@return string[] statements
function sql.changes(work)
  local target, list = work.target, {}
  if not target.exists then
    return { "CREATE SCHEMA IF NOT EXISTS " .. target.schema, create_table(work) }
  end
  for _, name in ipairs(target.names) do
    if not target.existing[name] then
      list[#list + 1] = ("ALTER TABLE %s ADD COLUMN %s %s"):format(target.table, sql.name(name), target.types[name])
    end
  end
  for _, own in ipairs(OWN) do
    if not target.existing[own[1]] then
      list[#list + 1] = ("ALTER TABLE %s ADD COLUMN %s %s"):format(target.table, sql.name(own[1]), own[2])
    end
  end
  if not target.keyed then -- a table of the old system, or of someone: rows without a client are the source's own client's
    list[#list + 1] = ("UPDATE %s SET _client_id = %s WHERE _client_id IS NULL"):format(target.table, literal(work.job.source.client))
    list[#list + 1] = ("CREATE UNIQUE INDEX ON %s (%s)"):format(target.table, each(unique_key(target.key), "?"))
  end
  return list
end

local function differs(target, left, right)
  if #target.values == 0 then return "false" end
  return ("(%s) IS DISTINCT FROM (%s)"):format(each(target.values, left .. ".?"), each(target.values, right .. ".?"))
end

-- Which of several rows with one key counts.
local function newest_first(work)
  local cursor = work.job.resource.cursor
  return cursor and sql.name(cursor) .. " DESC NULLS LAST, " or ""
end

local MERGE = [[
WITH last AS (SELECT DISTINCT ON (%(key)s) * FROM stage ORDER BY %(key)s, %(newest)s_seq DESC),
news AS (SELECT l.* FROM last l LEFT JOIN %(table)s t ON %(same_key)s AND t._client_id = $1::text WHERE t.%(first)s IS NULL OR %(differs)s),
done AS (INSERT INTO %(table)s AS x (%(names)s, %(own)s) SELECT %(names)s, %(own_values)s FROM news
  ON CONFLICT (%(key)s, _client_id) DO UPDATE SET %(set)s WHERE (x._loaded_at > to_timestamp($2::float8)) IS NOT TRUE%(cursor)s
  RETURNING xmax = 0 AS inserted)
SELECT (SELECT count(*) FROM last) AS rows, count(*) FILTER (WHERE inserted) AS new,
  count(*) FILTER (WHERE NOT inserted) AS changed FROM done]]

--- One statement: the last row of each key (the newest, where a column says which that is), only where it is new or differs,
--- into the table. Rows that are already so are not touched. Bound: $1 client, $2 fetched_at, $3 the id in _dlt_loads.
function sql.merge(work)
  local target, cursor = work.target, work.job.resource.cursor
  local own, own_values, set = {}, {}, {}
  for i, column in ipairs(OWN) do own[i], own_values[i] = column[1], column[3] end
  for _, name in ipairs(target.values) do set[#set + 1] = name end
  for _, name in ipairs(own) do set[#set + 1] = name end
  local words = {
    key = each(target.key, "?"), table = target.table, same_key = each(target.key, "t.? = l.?", " AND "),
    first = sql.name(target.key[1]),
    differs = differs(target, "l", "t"), names = each(target.names, "?"), own = each(own, "?"), own_values = table.concat(own_values, ", "),
    set = each(set, "? = excluded.?"), newest = newest_first(work),
    cursor = cursor and (" AND (x.%s > excluded.%s) IS NOT TRUE"):format(sql.name(cursor), sql.name(cursor)) or "",
  }
  return (MERGE:gsub("%%%((%w+_?%w*)%)s", words))
end

local SAMPLE = [[
WITH last AS (SELECT DISTINCT ON (%(key)s) * FROM stage ORDER BY %(key)s, %(newest)s_seq DESC)
SELECT CASE WHEN t.%(first)s IS NULL THEN 'new' ELSE 'changed' END AS what, left(concat_ws(', ', %(last_key)s), 200) AS key,
  left((SELECT string_agg(n.key || ' ' || CASE WHEN t.%(first)s IS NULL THEN '' ELSE coalesce(o.value, 'null') || ' -> ' END
      || coalesce(n.value, 'null'), ', ' ORDER BY n.key)
    FROM jsonb_each_text(to_jsonb(l) - '_seq') n LEFT JOIN jsonb_each_text(to_jsonb(t)) o USING (key)
    WHERE n.value IS DISTINCT FROM o.value AND n.key <> ALL ($2::text[])), 500) AS change
FROM last l LEFT JOIN %(table)s t ON %(same_key)s AND t._client_id = $1::text WHERE t.%(first)s IS NULL OR %(differs)s
ORDER BY t.%(first)s IS NULL, l._seq LIMIT %(limit)s]]

--- Some rows that the merge will write: what ("new" or "changed"), their key, and what is new. Bound: $1 client, $2 the key's names.
function sql.sample_merge(work, limit)
  local target = work.target
  local words = { key = each(target.key, "?"), last_key = each(target.key, "l.?"), newest = newest_first(work), table = target.table,
    same_key = each(target.key, "t.? = l.?", " AND "), first = sql.name(target.key[1]), differs = differs(target, "l", "t"), limit = limit }
  return (SAMPLE:gsub("%%%((%w+_?%w*)%)s", words))
end

local DAYS_OF_TIMES = "x.%s >= $1::date::timestamp AT TIME ZONE '%s' AND x.%s < ($2::date + 1)::timestamp AT TIME ZONE '%s'"
  .. " AND x._client_id = $3"
local TIMES = { timestamptz = true, ["timestamp with time zone"] = true }

-- Rows of the window, of this client; all of this client where the window has no bounds. Bound: $1 from, $2 to, $3 client.
-- A day of times is one of the source's zone.
local function in_window(work)
  local column = work.job.resource.window_column
  local kind = work.target.types[column]
  if not work.window.from and not work.window.file then return "$1::text IS NULL AND $2::text IS NULL AND x._client_id = $3" end
  if TIMES[kind] then
    local name, tz = sql.name(column), work.job.source.tz
    return DAYS_OF_TIMES:format(name, tz, name, tz)
  end
  return ("x.%s >= $1::%s AND x.%s <= $2::%s AND x._client_id = $3"):format(sql.name(column), kind, sql.name(column), kind)
end

local function vanished(work)
  return ("NOT EXISTS (SELECT 1 FROM stage s WHERE %s)"):format(each(work.target.key, "s.? = x.?", " AND "))
end

--- Values of a column of the stage that are not among those bound as $1, each with its rows.
function sql.strange_values(column, limit)
  return ([[SELECT left(%s::text, 60) AS value, count(*) AS rows, min(_seq) AS first FROM stage
    WHERE %s::text <> ALL ($1::text[]) GROUP BY 1 ORDER BY 3 LIMIT %d]]):format(sql.name(column), sql.name(column), limit)
end

--- The first key that more than one row of the stage has, as text, and the rows.
function sql.first_duplicate(work)
  local key = each(work.target.key, "?")
  return ([[SELECT left(concat_ws(', ', %s), 200) AS key, min(_seq) AS one, max(_seq) AS other FROM stage
    GROUP BY %s HAVING count(*) > 1 ORDER BY 2 LIMIT 1]]):format(key, key)
end

-- Two counts, since a NOT EXISTS that is no condition of its own would be asked row by row.
function sql.count_window(work)
  local rows = ("SELECT count(*) FROM %s x WHERE %s"):format(work.target.table, in_window(work))
  return ("SELECT (%s) AS total, (%s AND %s) AS gone"):format(rows, rows, vanished(work))
end

--- Rows of the stage that lack a part of their key.
function sql.delete_keyless(work)
  return ("DELETE FROM stage WHERE %s"):format(each(work.target.key, "? IS NULL", " OR "))
end

local function gone(work)
  return ("%s x WHERE %s AND (x._loaded_at > to_timestamp($4::float8)) IS NOT TRUE AND %s"):format(work.target.table, in_window(work),
    vanished(work))
end

--- Rows of the window that the vendor no longer has. Bound: $4 fetched_at beside those of the window.
function sql.delete_vanished(work)
  return ("WITH gone AS (DELETE FROM %s RETURNING 1) SELECT count(*) AS deleted FROM gone"):format(gone(work))
end

--- Some of them, as sample_merge gives them.
function sql.sample_vanished(work, limit)
  return ("SELECT 'deleted' AS what, left(concat_ws(', ', %s), 200) AS key, NULL AS change FROM %s LIMIT %d"):format(
    each(work.target.key, "x.?"), gone(work), limit)
end

return sql

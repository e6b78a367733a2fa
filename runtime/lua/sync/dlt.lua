-- The bookkeeping tables of the old system, filled in each vendor's schema as its queries expect them, in the transaction of
-- the load: _dlt_loads (one row a load), _dlt_version (one a change of the schema), _dlt_pipeline_state (one a move of the
-- cursor). Nothing of ours reads them: signalroom.loads and signalroom.state are the truth.

local crypto = require "native.crypto"
local json = require "json"

local SCHEMA_ENGINE, STATE_ENGINE = 11, 4 -- versions of their formats

local TABLES = {
  [[CREATE TABLE %s._dlt_loads (load_id varchar(64) NOT NULL, schema_name varchar, status bigint NOT NULL,
      inserted_at timestamptz NOT NULL, schema_version_hash varchar)]],
  [[CREATE TABLE %s._dlt_version (version bigint NOT NULL, engine_version bigint NOT NULL, inserted_at timestamptz NOT NULL,
      schema_name varchar NOT NULL, version_hash varchar NOT NULL, schema varchar NOT NULL)]],
  [[CREATE TABLE %s._dlt_pipeline_state (version bigint NOT NULL, engine_version bigint NOT NULL, pipeline_name varchar NOT NULL,
      state varchar NOT NULL, created_at timestamptz NOT NULL, version_hash varchar, _dlt_load_id varchar(64) NOT NULL,
      _dlt_id varchar(64) NOT NULL)]],
}

local dlt = {}

--- The id that rows and _dlt_loads share: seconds since 1970 as text, growing. The last three digits tell streams apart.
---@return string
function dlt.load_id(tx, stream)
  return tx:query([[SELECT to_char(extract(epoch FROM clock_timestamp()), 'FM9999999990.000000')
    || lpad(((hashtext($1) & 2147483647) % 1000)::text, 3, '0') AS id]], stream)[1].id
end

local function ensure(tx, work)
  local schema = work.target.schema
  for _, statement in ipairs(TABLES) do
    local name = statement:match "%%s%.([%w_]+)"
    if not tx:query("SELECT to_regclass($1) IS NOT NULL AS there", schema .. "." .. name)[1].there then
      tx:exec(statement:format(schema))
    end
  end
end

-- --- _dlt_version ---

local DATA_TYPE = { text = "text", ["character varying"] = "text", bigint = "bigint", integer = "bigint", numeric = "decimal",
  ["double precision"] = "double", boolean = "bool", date = "date", ["timestamp with time zone"] = "timestamp", jsonb = "json" }

-- The schema as the old system describes it: {tables = {name = {columns = {name = {data_type, nullable}}}}}.
local function described(tx, work)
  local tables = json.object {}
  local rows = tx:query([[SELECT table_name::text AS tab, column_name::text AS name, data_type::text AS kind,
      is_nullable = 'YES' AS nullable
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = $1 AND table_type = 'BASE TABLE' AND left(table_name, 5) <> '_dlt_' ORDER BY table_name, ordinal_position]],
    work.job.source.name)
  for _, row in ipairs(rows) do
    local one = tables[row.tab] or { columns = json.object {}, write_disposition = "merge" }
    tables[row.tab] = one
    one.columns[row.name] = { data_type = DATA_TYPE[row.kind] or "text", nullable = row.nullable }
  end
  return tables
end

local function version(tx, work)
  local schema, source = work.target.schema, work.job.source.name
  local last = tx:query(("SELECT version, version_hash FROM %s._dlt_version ORDER BY version DESC LIMIT 1"):format(schema))[1]
  if last and #work.ddl == 0 then return last.version_hash end
  local tables = described(tx, work)
  local hash = crypto.base64(crypto.sha256(json.encode(tables)))
  if last and last.version_hash == hash then return hash end
  local number = (last and last.version or 0) + 1
  local text = json.encode { version = number, version_hash = hash, engine_version = SCHEMA_ENGINE, name = source, tables = tables }
  tx:query(([[INSERT INTO %s._dlt_version (version, engine_version, inserted_at, schema_name, version_hash, schema)
    VALUES ($1::bigint, $2::bigint, clock_timestamp(), $3, $4, $5)]]):format(schema), number, SCHEMA_ENGINE, source, hash, text)
  return hash
end

-- --- _dlt_pipeline_state ---

local function adler32(text)
  local a, b = 1, 0
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b * 65536 + a
end

local function bytes_of(number, count)
  local list = {}
  for i = count, 1, -1 do list[i], number = string.char(number % 256), math.floor(number / 256) end
  return table.concat(list)
end

-- A text as zlib packs it, without making it smaller: one stored block.
local function zlib(text)
  assert(#text < 65536, "a state of one block")
  local size = bytes_of(#text, 2):reverse()
  local complement = bytes_of(65535 - #text, 2):reverse()
  return "\120\1\1" .. size .. complement .. text .. bytes_of(adler32(text), 4)
end

local function cursor_name(source, resource_name)
  for _, resource in ipairs(source) do
    if resource.name == resource_name then return resource.window_column or "cursor" end
  end
  return "cursor"
end

local function state_of(tx, work, number)
  local source, resources = work.job.source.name, json.object {}
  local rows = tx:query([[SELECT stream, cursor FROM signalroom.state
    WHERE left(stream, length($1)) = $1 AND right(stream, length($2)) = $2]], source .. ".", "/" .. work.client)
  for _, row in ipairs(rows) do
    local name = row.stream:sub(#source + 2, -#work.client - 2)
    resources[name] = { incremental = { [cursor_name(work.job.source, name)] = { last_value = row.cursor } } }
  end
  return json.encode { _state_version = number, _state_engine_version = STATE_ENGINE, pipeline_name = source,
    sources = { [source] = { resources = resources } } }
end

local function state(tx, work)
  local schema = work.target.schema
  local last = tx:query(("SELECT max(version) AS version FROM %s._dlt_pipeline_state"):format(schema))[1].version or 0
  local text = state_of(tx, work, last + 1)
  tx:query(([[INSERT INTO %s._dlt_pipeline_state (version, engine_version, pipeline_name, state, created_at, version_hash, _dlt_load_id,
      _dlt_id) VALUES ($1::bigint, $2::bigint, $3, $4, clock_timestamp(), $5, $6, gen_random_uuid()::text)]]):format(schema), last + 1,
    STATE_ENGINE, work.job.source.name, crypto.base64(zlib(text)), crypto.base64(crypto.sha256(text)), work.dlt_load_id)
end

--- The last step of a load but the commit. Loads of one source take turns here, for milliseconds.
---@param tx table
---@param work table
function dlt.step(tx, work)
  tx:query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "signalroom.dlt." .. work.job.source.name)
  ensure(tx, work)
  local hash = version(tx, work)
  tx:query(([[INSERT INTO %s._dlt_loads (load_id, schema_name, status, inserted_at, schema_version_hash)
    VALUES ($1, $2, 0, clock_timestamp(), $3)]]):format(work.target.schema), work.dlt_load_id, work.job.source.name, hash)
  if work.cursor_moved then state(tx, work) end
end

return dlt

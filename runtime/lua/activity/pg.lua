-- PostgreSQL for activities. Statements wait without a thread; what the server refuses is a DbError with sqlstate,
-- detail, hint, table_name, column_name, constraint_name, and a message that shows the place in the statement.
--
--   local db = pg.connect()
--   local rows = db:query("SELECT id, total FROM orders WHERE day = $day", { day = "2026-01-14" })
--   db:transaction(function(tx) tx:exec "..." end)
--
-- Values: bool, int2, int4, oid, float are Lua's own; int8 too, beyond 2^53 as text; json is decoded; numeric stays
-- text, since money must not be rounded; bytea is bytes; NULL is nil; all else is PostgreSQL's text.

local duration = require "duration"
local errors = require "errors"
local json = require "json"
local native = require "native.pg"
local options_of = require "options"
local readonly = require "activity.pg_readonly"
local secrets = require "native.secret"
local task = require "native.task"
local wait = require "wait"

local ROWS_AT_ONCE = 200
local POOL_SIZE, POOL_REST_MS = 4, 30000

-- --- parameters ---

local Array = { __metatable = "pg.array" }

local element

local function array_text(array)
  local parts = {}
  for i = 1, #array do parts[i] = element(array[i]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

function element(value)
  if value == json.null then return "NULL" end
  if type(value) == "table" then return getmetatable(value) == "pg.array" and array_text(value) or element(json.encode(value)) end
  if type(value) == "string" then return '"' .. value:gsub('[\\"]', "\\%0") .. '"' end
  return tostring(value)
end

local function parameter(value)
  if value == json.null then return nil end
  if type(value) == "table" then
    return getmetatable(value) == "pg.array" and array_text(value) or json.encode(value)
  end
  if type(value) == "userdata" then return tostring(value) end
  return value
end

local function named(sql, given)
  local text, names = native.bind(sql)
  local values, used = {}, {}
  for i, name in ipairs(names) do
    local value = given[name]
    if value == nil then error(errors.KeyError(("no value was given for $%s; NULL is json.null"):format(name)), 0) end
    values[i], used[name] = parameter(value), true
  end
  for name in pairs(given) do
    if not used[name] then error(errors.ValueError(("the statement has no $%s"):format(tostring(name))), 0) end
  end
  return text, #names, values
end

-- A lone table without a metatable gives parameters by name.
local function bound(sql, ...)
  local n, first = select("#", ...), ...
  if n == 1 and type(first) == "table" and getmetatable(first) == nil then return named(sql, first) end
  local values = {}
  for i = 1, n do values[i] = parameter((select(i, ...))) end
  return sql, n, values
end

-- --- connections ---

local Connection = {}
Connection.__index = Connection

local idle = {} -- settings -> connections that wait for the next one to need them

local function close_raw(raw, key)
  local list = idle[key] or {}
  idle[key] = list
  for i = #list, 1, -1 do
    if list[i]:status() ~= "idle" then table.remove(list, i) end
  end
  if raw:status() ~= "idle" or raw:copying() or #list >= POOL_SIZE then return raw:close() end
  raw:rest(POOL_REST_MS)
  list[#list + 1] = raw
end

-- One that was closed lately, as good as new; nil without one.
local function from_pool(key)
  local list = idle[key] or {}
  while #list > 0 do
    local raw = table.remove(list)
    local ok, err
    if raw:take_up() then
      ok, err = pcall(function() return wait(raw:exec("DISCARD ALL")) end)
    end
    if ok then return raw end
    raw:close()
    if errors.is(err) and err.type == "CancelledError" then error(err, 0) end
  end
end

local function affected(result)
  return result:affected()
end

--- Runs one statement and gives its rows. Parameters are `$1`, `$2`, ... with values behind the statement, or `$name`
--- with one table of values by name; they are never put into the text. NULL is nil, by name json.null. A table is sent
--- as JSON, pg.array{...} as an array.
---@param sql string
---@param ... any
---@return table rows a list of tables by column name
---@return { columns: string[], affected: number? } about
function Connection:query(sql, ...)
  local text, n, values = bound(sql, ...)
  local result = wait(self.raw:query(text, n, unpack(values, 1, n)))
  local columns, seen = result:columns(), {}
  for _, name in ipairs(columns) do
    if seen[name] then error(errors.ValueError(("two columns of the result are named %s; name them apart by AS"):format(name)), 0) end
    seen[name] = true
  end
  local rows = {}
  while result:take(rows, ROWS_AT_ONCE) == ROWS_AT_ONCE do end
  return rows, { columns = columns, affected = affected(result) }
end

local function refuse_copy(raw)
  if raw:copying() == "in" then
    pcall(function() wait(raw:finish("use copy for COPY")) end)
  else
    raw:close()
  end
  error(errors.ValueError("use copy or copy_out for COPY"), 0)
end

--- Runs statements for what they do. With parameters, one statement, as query; without, any number, by `;`.
---@param sql string
---@param ... any
---@return number? affected rows of the last statement, nil when it counts none
function Connection:exec(sql, ...)
  if select("#", ...) > 0 then
    return (select(2, self:query(sql, ...))).affected
  end
  local result = wait(self.raw:exec(sql))
  if self.raw:copying() then refuse_copy(self.raw) end
  return affected(result)
end

local TRANSACTION_KNOWN = { isolation = true, read_only = true }
local ISOLATIONS = { serializable = "SERIALIZABLE", repeatable_read = "REPEATABLE READ", read_committed = "READ COMMITTED" }

local function begin_text(options)
  options = options or {}
  options_of.check(options, TRANSACTION_KNOWN, "transaction")
  local text = "BEGIN"
  if options.isolation then
    local words = ISOLATIONS[options.isolation]
    if not words then error(errors.ValueError("isolation is serializable, repeatable_read or read_committed"), 0) end
    text = text .. " ISOLATION LEVEL " .. words
  end
  return (options.read_only or readonly.on()) and text .. " READ ONLY" or text
end

local function control(self, text)
  return wait(self.raw:exec(text))
end

local function commit(self, savepoint)
  if savepoint then return control(self, "RELEASE " .. savepoint) end
  if wait(self.raw:exec("COMMIT")):tag() ~= "COMMIT" then
    error(errors.new("DbError", { message = "the transaction was rolled back: a statement in it had failed" }), 0)
  end
end

local function roll_back(self, savepoint)
  if self.raw:status() == "broken" then return end
  local ok = pcall(control, self, savepoint and "ROLLBACK TO " .. savepoint or "ROLLBACK")
  if not ok then self.raw:close() end
end

local function settle(self, savepoint, ok, ...)
  self.depth = self.depth - 1
  if ok then
    local done, problem = pcall(commit, self, savepoint)
    if done then return ... end
    roll_back(self, savepoint)
    error(problem, 0)
  end
  roll_back(self, savepoint)
  error((...), 0)
end

--- Runs fn(connection) in a transaction: committed when it returns, rolled back when it raises or is cancelled. Within
--- a transaction it is a savepoint.
---@param fn fun(tx: table): ...
---@param options? { isolation: "serializable"|"repeatable_read"|"read_committed", read_only: boolean }
---@return any ... what fn returned
function Connection:transaction(fn, options)
  local savepoint = self.depth > 0 and "signalroom_" .. self.depth or nil
  control(self, savepoint and "SAVEPOINT " .. savepoint or begin_text(options))
  self.depth = self.depth + 1
  return settle(self, savepoint, pcall(fn, self))
end

--- From now on, until the connection is closed, every statement sees the database as it is at the next one, and none writes.
function Connection:snapshot()
  self.depth = self.depth + 1
  self:exec(begin_text { isolation = "repeatable_read", read_only = true })
end

local function feed(raw, source)
  if type(source) ~= "function" then return wait(raw:put(source)) end
  for chunk in source do wait(raw:put(chunk)) end
end

--- Copies into a table: `COPY t (a, b) FROM STDIN`. Waits while the server is slower than the source.
---@param sql string
---@param source string|userdata|fun(): string|userdata|nil text, a pages buffer, or a function that gives such until nil
---@return number rows
function Connection:copy(sql, source)
  wait(self.raw:exec(sql))
  if self.raw:copying() ~= "in" then
    if self.raw:copying() then self.raw:close() end
    error(errors.ValueError("copy takes COPY ... FROM STDIN"), 0)
  end
  local ok, problem = pcall(feed, self.raw, source)
  if ok then return affected(wait(self.raw:finish())) end
  if self.raw:status() ~= "broken" then pcall(function() wait(self.raw:finish("the source failed")) end) end
  error(problem, 0)
end

--- Copies out of a table: `COPY (SELECT ...) TO STDOUT`. An error in `take` closes the connection.
---@param sql string
---@param take fun(chunk: string) given each chunk of the text
---@return number rows
function Connection:copy_out(sql, take)
  wait(self.raw:exec(sql))
  if self.raw:copying() ~= "out" then
    if self.raw:copying() then pcall(function() wait(self.raw:finish("wrong way")) end) end
    error(errors.ValueError("copy_out takes COPY ... TO STDOUT"), 0)
  end
  local ok, chunk = pcall(function()
    local chunk = wait(self.raw:take())
    while type(chunk) == "string" do
      take(chunk)
      chunk = wait(self.raw:take())
    end
    return chunk
  end)
  if ok then return affected(chunk) end
  self.raw:close()
  error(chunk, 0)
end

--- What the server said besides results, since the last call.
---@return string[] "NOTICE: ..."
function Connection:notices()
  return self.raw:notices()
end

--- "idle", "active", "in transaction", "failed" (the transaction, until it is rolled back) or "broken".
---@return string
function Connection:status()
  return self.raw:status()
end

readonly.guard(Connection)

--- Gives the connection up; the next connect with the same settings may get it, as good as new. The end of the
--- activity does the same.
function Connection:close()
  local state = task.state()
  if state then state.open[self] = nil end
  if self.closed then return end
  self.closed = true
  close_raw(self.raw, self.key)
end

-- --- settings ---

local KNOWN = { url = "url", host = "host", port = "port", database = "dbname", user = "user", password = "password",
  sslmode = "sslmode", sslrootcert = "sslrootcert", sslcert = "sslcert", sslkey = "sslkey", service = "service",
  application_name = "application_name", options = "options", connect_timeout = "connect_timeout" }

local pg = {}

--- The settings of the configured database, as pg.connect takes them: those of DATABASE_URL, else of SUPABASE_DB_HOST,
--- _PORT, _NAME, _USER and _PASSWORD. Raises KeyError when neither is set.
---@return table settings
function pg.settings()
  local url = secrets.secret "DATABASE_URL"
  if url then return { url = url } end
  local host = os.getenv "SUPABASE_DB_HOST"
  if not host or host == "" then
    error(errors.KeyError("no database is configured: set DATABASE_URL, or SUPABASE_DB_HOST with _PORT, _NAME, _USER and _PASSWORD"), 0)
  end
  local function value(name, default)
    local text = os.getenv("SUPABASE_DB_" .. name)
    return text and text ~= "" and text or default
  end
  return { host = host, port = value("PORT", "5432"), database = value("NAME", "postgres"), user = value("USER", "postgres"),
    password = secrets.secret "SUPABASE_DB_PASSWORD" }
end

local function settings_of(given)
  if type(given) == "string" then given = { url = given } end
  if given == nil then given = pg.settings() end
  options_of.check(given, KNOWN, "pg.connect")
  local settings, parts = {}, {}
  for name, word in pairs(KNOWN) do
    if given[name] ~= nil and name ~= "connect_timeout" then
      settings[word] = tostring(given[name])
      parts[#parts + 1] = word .. "=" .. settings[word]
    end
  end
  table.sort(parts)
  return settings, table.concat(parts, "\0"), duration.ms(given.connect_timeout or "10s", "connect_timeout")
end

--- Connects to a database: the given one, else that of DATABASE_URL, else that of SUPABASE_DB_HOST, _PORT, _NAME, _USER
--- and _PASSWORD. DATABASE_URL_FILE and SUPABASE_DB_PASSWORD_FILE may name files that hold them. Everything libpq knows works
--- in an url, `?sslmode=...` too. Passwords never show.
---@param settings? string|table an url, or { url, host, port, database, user, password, sslmode, sslrootcert, sslcert,
---  sslkey, service, application_name, options, connect_timeout = "10s" }
---@return table connection query, exec, transaction, snapshot, copy, copy_out, notices, status, close
function pg.connect(settings)
  local words, key, timeout_ms = settings_of(settings)
  local raw = from_pool(key) or wait(native.connect(words, timeout_ms))
  local connection = setmetatable({ raw = raw, key = key, depth = 0 }, Connection)
  local state = task.state()
  if state then state.open[connection] = true end
  return connection
end

--- Marks a list as an SQL array for a parameter: `... WHERE id = ANY ($1)`. NULL in it is json.null.
---@param list table
---@return table
function pg.array(list)
  return setmetatable(list, Array)
end

return pg

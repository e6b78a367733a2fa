---@meta pg
-- What an editor knows about `pg`. The module itself is runtime/lua/activity/pg.lua. For activities.
--
-- PostgreSQL's values in Lua: bool, int2, int4, oid and float are Lua's own, int8 too (from 2^53 on it is text); json
-- is decoded; numeric stays text, since money must not be rounded; bytea is its bytes; NULL is nil; all else is
-- PostgreSQL's text. What the server refuses is a DbError with `sqlstate`, `severity`, `detail`, `hint`, `where`,
-- `table_name`, `column_name`, `constraint_name`, and a message that shows the place in the statement.
--
-- Cancelling an activity cancels its statement at the server. Works through poolers of transactions: no statement is
-- prepared by name.

---@class PgSettings
---@field url? string "postgresql://user:password@host:5432/database?sslmode=require", all that libpq knows
---@field host? string several by commas are tried in order
---@field port? string|integer
---@field database? string
---@field user? string
---@field password? string any characters; never shown
---@field sslmode? "disable"|"allow"|"prefer"|"require"|"verify-ca"|"verify-full"
---@field sslrootcert? string
---@field sslcert? string
---@field sslkey? string
---@field service? string a section of pg_service.conf
---@field application_name? string default "signalroom"
---@field options? string for the server: "-c statement_timeout=5min"
---@field connect_timeout? string|number for all of it; default "10s"

---@class PgConnection
local PgConnection = {}

---Runs one statement and gives its rows. Parameters are `$1`, `$2`, ... with the values behind the statement, or `$name`
---with one table of values by name: `db:query("... WHERE day = $day", { day = day })`. NULL is nil, by name json.null. A
---table is sent as JSON, pg.array{...} as an array. Two columns of one name, and more than 64 MiB, are errors.
---@param sql string
---@param ... any
---@return table<string, any>[] rows
---@return { columns: string[], affected: number? } about
function PgConnection:query(sql, ...) end

---Runs statements for what they do: with parameters one, as query; without, any number, by `;`.
---@param sql string
---@param ... any
---@return number? affected rows of the last statement, nil when it counts none
function PgConnection:exec(sql, ...) end

---Runs fn(connection) in a transaction: committed when it returns, rolled back when it raises or is cancelled. Within a
---transaction it is a savepoint.
---@generic T
---@param fn fun(tx: PgConnection): T
---@param options? { isolation: "serializable"|"repeatable_read"|"read_committed", read_only: boolean }
---@return T
function PgConnection:transaction(fn, options) end

---From now on, until the connection is closed, every statement sees the database as it is at the next one, and none writes.
function PgConnection:snapshot() end

---Copies into a table, `COPY t (a, b) FROM STDIN`, waiting while the server is slower than the source.
---@param sql string
---@param source string|userdata|fun(): string|userdata|nil COPY text, a pages buffer, or a function that gives such until nil
---@return number rows
function PgConnection:copy(sql, source) end

---Copies out of a table, `COPY (SELECT ...) TO STDOUT`. An error in `take` closes the connection.
---@param sql string
---@param take fun(chunk: string)
---@return number rows
function PgConnection:copy_out(sql, take) end

---What the server said besides results since the last call: "NOTICE: ...".
---@return string[]
function PgConnection:notices() end

---"idle", "active", "in transaction", "failed" (the transaction, until it is rolled back) or "broken".
---@return string
function PgConnection:status() end

---Gives the connection up; the next connect with the same settings may get it, as good as new. The activity's end does
---the same.
function PgConnection:close() end

---@class pglib
pg = {}

---Connects to the database given, else to that of DATABASE_URL, else to that of SUPABASE_DB_HOST, _PORT, _NAME, _USER
---and _PASSWORD. Raises TimeoutError, NetworkError (no such host), DbError, and KeyError when nothing is configured.
---@param settings? string|PgSettings an url, or settings
---@return PgConnection
function pg.connect(settings) end

---Marks a list as an array for a parameter: `... WHERE id = ANY ($1)`. NULL in it is json.null.
---@generic T: table
---@param list T
---@return T
function pg.array(list) end

return pg

-- The database as a report's `data` function sees it: q:one and q:all, in one read-only snapshot. `$name` in a statement
-- is a bound parameter, never text that is put in. Names of columns are kept: a column that is null is there, and empty.

local errors = require "errors"
local native = require "native.pg"
local nearest = require "nearest"
local pg = require "activity.pg"
local sandbox = require "sandbox"

local Query = {}
Query.__index = Query

local function bound(sql, values)
  local _, names = native.bind(sql)
  local chosen = {}
  for _, name in ipairs(names) do
    if values[name] == nil then
      local known = {}
      for key in pairs(values) do known[#known + 1] = tostring(key) end
      local close = nearest.word(name, known)
      error(errors.ValueError(("no value was given for $%s%s"):format(name, close and ("; did you mean $%s?"):format(close) or "")), 0)
    end
    chosen[name] = values[name]
  end
  return chosen
end

-- Connected by the first statement: a report without one needs no database.
local function connection_of(self)
  if self.connection then return self.connection end
  self.connection = pg.connect()
  self.connection:snapshot()
  return self.connection
end

--- All rows, a list of tables by column name. NULL is nil; numeric stays text, since money must not be rounded.
---@param sql string with $name where a value belongs
---@param values? table<string, any> usually the report's parameters
---@return table<string, any>[]
function Query:all(sql, values)
  local rows, about = connection_of(self):query(sql, bound(sql, values or {}))
  for _, name in ipairs(about.columns) do self.known[name] = true end
  return rows
end

--- The only row, nil without one. Several are an error.
---@param sql string
---@param values? table<string, any>
---@return table<string, any>?
function Query:one(sql, values)
  local rows = self:all(sql, values)
  if #rows > 1 then error(errors.ValueError(("the query gives %d rows where one is wanted: use q:all, or LIMIT 1"):format(#rows)), 0) end
  return rows[1]
end

local query = {}

-- With the script's stack, which is gone once the connection is closed.
local function caught(problem)
  return errors.normalize(problem, sandbox.stack())
end

--- Calls run(q) and gives what it returned, or raises what it raised. The database is as it is at q's first statement.
---@param known table<string, boolean> gets the names of all columns
---@param run fun(q: table): ...
---@return any ...
function query.run(known, run)
  local q = setmetatable({ known = known }, Query)
  local function settle(ok, ...)
    if q.connection then q.connection:close() end
    if ok then return ... end
    error((...), 0)
  end
  return settle(xpcall(run, caught, q))
end

return query

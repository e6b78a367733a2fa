-- The word `sql`: one connection for the whole shell, so that a transaction lasts over several statements.

local errors = require "errors"
local grid = require "cli.repl.grid"
local native = require "native.pg"
local pg = require "activity.pg"
local show = require "cli.repl.show"
local timer = require "native.timer"

local query = {}

local connection

--- The shell's connection, made at first use.
---@return table
function query.connection()
  if not connection or connection:status() == "broken" then connection = pg.connect() end
  return connection
end

--- Whether there is one that can be asked right now.
function query.is_ready()
  return connection ~= nil and connection:status() == "idle"
end

local function footer(rows, about, ms)
  if #about.columns > 0 then return ("(%d row%s, %d ms)"):format(#rows, #rows == 1 and "" or "s", ms) end
  return about.affected and ("%d row%s affected (%d ms)"):format(about.affected, about.affected == 1 and "" or "s", ms)
    or ("done (%d ms)"):format(ms)
end

local function run(text, ...)
  local began = timer.now()
  local rows, about = query.connection():query(text, ...)
  local ms = timer.now() - began
  return show.as(rows, function(columns)
    local lines = {}
    if #about.columns > 0 then lines[1] = grid(about.columns, rows, columns, "NULL") end
    lines[#lines + 1] = footer(rows, about, ms)
    return table.concat(lines, "\n")
  end)
end

local function names_in(text)
  local ok, _, names = pcall(native.bind, text)
  return ok and names or {}
end

--- Runs one SQL statement and gives its rows. `$name` takes its value from the table behind the text, `$1` from the values.
---@param text string
---@param ... any
---@return table rows
function query.sql(text, ...)
  if type(text) ~= "string" then error(errors.ValueError 'sql takes a statement: sql "select 1"', 0) end
  local names = names_in(text)
  if select("#", ...) > 0 or #names == 0 then return run(text, ...) end
  return show.as(setmetatable({}, { __call = function(_, values) return run(text, values) end }), function()
    return ('the statement waits for its values: sql "..." { %s = ... }'):format(table.concat(names, " = ..., "))
  end)
end

return query

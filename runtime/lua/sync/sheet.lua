-- Sheets: rows of cells whose first row names the columns, and whose cells say what type a column has, unless the table
-- that they go to has it already.

local errors = require "errors"
local json = require "json"
local names = require "sync.names"
local sql = require "sync.sql"

local PLACE = "_row_id"

-- Columns' types in Postgres as they are declared; all others take text.
local WORDS = { numeric = "numeric", bigint = "int", boolean = "bool", date = "date", ["timestamp with time zone"] = "timestamptz",
  jsonb = "jsonb" }

local sheet = {}

local function refuse(...)
  error(errors.ApplicationError { type = "VendorError", message = (...):format(select(2, ...)), non_retryable = true }, 0)
end

local function cell(value)
  if value == json.null or value == "" then return nil end
  return value
end

local function kind_of(value)
  if type(value) == "boolean" then return "bool" end
  if type(value) ~= "string" then return "numeric" end
  return value:find "^%d%d%d%d%-%d%d%-%d%d$" and "date" or "text"
end

-- What all cells of a column are: text when they differ, nil when there are none.
local function column_kind(values, place)
  local kind
  for row = 2, #values do
    local value = cell(values[row][place])
    local one = value ~= nil and kind_of(value) or kind
    if kind and one ~= kind then return "text" end
    kind = one
  end
  return kind
end

-- The types that are settled: as the script says, else as the table has them.
local function settled(job, types)
  local known = {}
  for name, kind in pairs(sql.types(job.connection, job)) do known[name] = WORDS[kind] or "text" end
  for name, kind in pairs(types) do known[name] = kind end
  return known
end

-- Name, type and place of each column; a key is never null.
local function columns_of(values, types, key)
  local list, problem = names.of_header(values[1] or {})
  if not list then refuse("the first row: %s", problem) end
  if #list == 0 then refuse "the sheet is empty: it has no first row with the names of columns" end
  local columns, there = {}, { [PLACE] = true }
  for place, name in ipairs(list) do
    local kind = types[name] or column_kind(values, place)
    if name == PLACE then refuse("%s is a name that every sheet without a key has for itself", PLACE) end
    if kind then columns[#columns + 1] = { name, kind, place } end
    there[name] = kind
  end
  for _, name in ipairs(key) do
    if not there[name] then refuse("the key column %s is not there, or empty; there are %s", name, table.concat(list, ", ")) end
  end
  return columns
end

-- A row by name; nil when no cell has a value.
local function row_of(columns, cells)
  local row
  for _, column in ipairs(columns) do
    local value = cell(cells[column[3]])
    if value ~= nil then
      row = row or {}
      row[column[1]] = value
    end
  end
  return row
end

-- The key as one text, by which rows are told apart.
local function key_of(row, key, number)
  local parts = {}
  for i, name in ipairs(key) do
    if row[name] == nil then refuse("row %d has no %s, which is its key", number, name) end
    parts[i] = type(row[name]) == "string" and row[name] or json.encode(row[name]) -- tostring keeps 14 digits
  end
  return table.concat(parts, ", ")
end

local function emit(run, row, number)
  local ok, problem = pcall(run.emit, run, row)
  if ok then return end
  if not errors.is(problem) or problem.type ~= "VendorError" then error(problem, 0) end
  refuse("row %d: %s", number, (problem.message:gsub("^plan:row: ", ""):gsub("^row %d+: ", "")))
end

--- Takes all rows of a sheet; see run:sheet.
---@param run table
---@param values any[][]
---@param types table<string, string>
function sheet.take(run, values, types)
  local key = run.job.resource.key
  local columns = columns_of(values, settled(run.job, types), key)
  local plan, seen = {}, {}
  for i, column in ipairs(columns) do plan[i] = { column[1], column[2] } end
  local placed = key[1] == PLACE
  if placed then plan[#plan + 1] = { PLACE, "int!" } end
  run:columns(plan)
  for number = 2, #values do
    local row = row_of(columns, values[number])
    if row then
      if placed then row[PLACE] = number - 2 end
      local name = key_of(row, key, number)
      if seen[name] then refuse("rows %d and %d have the same key: %s", seen[name], number, name) end
      seen[name] = number
      emit(run, row, number)
    end
  end
end

return sheet

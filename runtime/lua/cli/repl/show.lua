-- Values for people: strings as they are, lists of rows as tables that fit the terminal, all else as Lua with
-- sorted keys. What is printed is bounded, whatever the value's size, and says what it left out.

local grid = require "cli.repl.grid"
local host = require "cli.host"
local scalar = require "cli.repl.scalar"

local COLUMNS = 100 -- where there is no terminal
local ENTRIES, LINES, DEPTH, TEXT = 40, 200, 8, 200

local show = {}

local faces = setmetatable({}, { __mode = "k" }) -- table -> how it shows

--- Gives one table a way to show of its own.
---@generic T: table
---@param value T
---@param face fun(columns: integer): string
---@return T value
function show.as(value, face)
  faces[value] = face
  return value
end

--- How wide a line may be.
---@return integer
function show.columns()
  return host.columns() or COLUMNS
end

-- The columns of a list of rows, sorted; nil when the value is none.
local function columns_of(value)
  local seen, columns, count = {}, {}, 0
  for _ in pairs(value) do count = count + 1 end
  if count == 0 or count ~= #value then return nil end
  for _, row in ipairs(value) do
    if type(row) ~= "table" or next(row) == nil or scalar(row) then return nil end
    for name in pairs(row) do
      if type(name) ~= "string" then return nil end
      if not seen[name] then
        seen[name] = true
        columns[#columns + 1] = name
      end
    end
  end
  table.sort(columns)
  return columns
end

-- --- anything ---

local function quoted(text)
  local shown, _, whole = host.fit(text:gsub('[\\"]', "\\%0"), TEXT)
  return whole and '"' .. shown .. '"' or ('"%s…" <%d bytes>'):format(shown, #text)
end

local function key_text(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return key end
  return ("[%s]"):format(type(key) == "string" and quoted(key) or tostring(key))
end

local function sorted_keys(value)
  local keys, list = {}, #value
  for key in pairs(value) do
    if not (type(key) == "number" and key >= 1 and key <= list and key % 1 == 0) then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    if type(a) == "number" or type(a) == "string" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local pretty

-- The parts of a table, "key = value" each.
local function entries(value, indent, state)
  local parts, keys = {}, sorted_keys(value)
  local function add(prefix, one)
    parts[#parts + 1] = prefix .. pretty(one, indent + 2, state)
  end
  for i = 1, math.min(#value, ENTRIES) do add("", value[i]) end
  for i = 1, math.min(#keys, ENTRIES) do add(key_text(keys[i]) .. " = ", value[keys[i]]) end
  local left_out = math.max(0, #value - ENTRIES) + math.max(0, #keys - ENTRIES)
  if left_out > 0 then parts[#parts + 1] = ("... %d more"):format(left_out) end
  return parts
end

function pretty(value, indent, state)
  if type(value) == "string" then return quoted(value) end
  local text = scalar(value)
  if text then return text end
  if state.open[value] then return "<a table around it>" end
  if state.depth >= DEPTH then return "{...}" end
  if next(value) == nil then return "{}" end
  state.open[value], state.depth = true, state.depth + 1
  local parts = entries(value, indent, state)
  state.open[value], state.depth = nil, state.depth - 1
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line + indent <= state.limit and not line:find("\n", 1, true) then return line end
  local gap = (" "):rep(indent + 2)
  return "{\n" .. gap .. table.concat(parts, ",\n" .. gap) .. ",\n" .. (" "):rep(indent) .. "}"
end

local function bounded(text)
  local at, count = 0, 0
  while count < LINES do
    at = text:find("\n", at + 1, true)
    if not at then return text end
    count = count + 1
  end
  local more = select(2, text:sub(at + 1):gsub("\n", "")) + 1
  return ("%s... %d more lines"):format(text:sub(1, at), more)
end

--- Any value as text for the prompt.
---@param value any
---@return string
function show.text(value)
  local limit = show.columns()
  if type(value) == "string" then return value end
  local face = type(value) == "table" and faces[value]
  if face then return face(limit) end
  local text = scalar(value)
  if text then return text end
  local columns = columns_of(value)
  if columns then return grid(columns, value, limit) end
  return bounded(pretty(value, 0, { open = {}, depth = 0, limit = limit }))
end

return show

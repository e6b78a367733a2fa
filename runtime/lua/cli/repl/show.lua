-- Values for people: strings as they are, lists of rows as tables that fit the terminal, all else as Lua with
-- sorted keys. What is printed is bounded, whatever the value's size, and says what it left out.

local host = require "cli.host"
local json = require "json"

local COLUMNS = 100          -- where there is no terminal
local ROWS, CELL, NARROWEST = 50, 60, 8
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

-- --- scalars ---

local function number_text(value)
  local ok, text = pcall(json.encode, value)
  return ok and text or tostring(value)
end

local function function_text(value)
  local about = debug.getinfo(value, "S")
  if about.what == "C" then return "<function>" end
  return ("<function %s:%d>"):format(about.short_src, about.linedefined)
end

local function cut(text, limit)
  local shown, width, whole = host.fit(text, limit)
  if whole then return shown, width end
  shown, width = host.fit(text, limit - 1)
  return shown .. "…", width + 1
end

-- One line, without quotes; nil for a plain table.
local function scalar(value)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return number_text(value) end
  if kind == "function" then return function_text(value) end
  if value == json.null then return "null" end
  if kind ~= "table" then return tostring(value) end
  local meta = debug.getmetatable(value)
  return meta and meta.__tostring and tostring(value) or nil
end

-- --- tables ---

local function compact(value)
  local ok, text = pcall(json.encode, value)
  return ok and text or tostring(value)
end

local function looks_numeric(text)
  return text:find "^%-?%d[%d.]*$" ~= nil or text:find "^%-?%d[%d.]*e[+-]?%d+$" ~= nil
end

-- Texts and widths of the rows that are shown, column by column.
local function layout(columns, rows, missing)
  local made = {}
  for i, name in ipairs(columns) do
    local title, width = cut(name, CELL)
    local column = { title = title, title_width = width, width = width, texts = {}, widths = {} }
    local numbers, words = 0, 0
    for r = 1, math.min(#rows, ROWS) do
      local value = rows[r][name]
      local text = value == nil and missing or scalar(value) or compact(value)
      if value ~= nil then
        if looks_numeric(text) then numbers = numbers + 1 else words = words + 1 end
      end
      column.texts[r], column.widths[r] = cut(text, CELL)
      column.width = math.max(column.width, column.widths[r])
    end
    column.numeric = numbers > 0 and words == 0
    made[i] = column
  end
  return made
end

local function total_width(columns)
  local total = 2 * (#columns - 1)
  for _, column in ipairs(columns) do total = total + column.width end
  return total
end

-- Narrows the widest columns of text until all fit; false when they cannot.
local function squeeze(columns, limit)
  local excess = total_width(columns) - limit
  while excess > 0 do
    local widest
    for _, column in ipairs(columns) do
      if not column.numeric and column.width > NARROWEST and (not widest or column.width > widest.width) then widest = column end
    end
    if not widest then return false end
    widest.width, excess = widest.width - 1, excess - 1
  end
  for _, column in ipairs(columns) do
    column.title, column.title_width = cut(column.title, column.width)
    for r, text in ipairs(column.texts) do column.texts[r], column.widths[r] = cut(text, column.width) end
  end
  return true
end

local function padded(column, text, width, last)
  local gap = (" "):rep(column.width - width)
  if column.numeric then return gap .. text end
  return last and text or text .. gap
end

local function grid(columns)
  local lines = {}
  local function line(pick)
    local parts = {}
    for i, column in ipairs(columns) do
      local text, width = pick(column)
      parts[i] = padded(column, text, width, i == #columns)
    end
    lines[#lines + 1] = table.concat(parts, "  "):gsub(" +$", "")
  end
  line(function(column) return column.title, column.title_width end)
  line(function(column) return ("-"):rep(column.width), column.width end)
  for r = 1, #columns[1].texts do line(function(column) return column.texts[r], column.widths[r] end) end
  return lines
end

-- A row that is too wide for the terminal is shown downwards.
local function upright(columns, limit)
  local lines, widest = {}, 0
  for _, column in ipairs(columns) do widest = math.max(widest, column.title_width) end
  widest = math.min(widest, math.floor(limit / 2))
  for r = 1, #columns[1].texts do
    lines[#lines + 1] = ("-- %d --"):format(r)
    for _, column in ipairs(columns) do
      local title, width = cut(column.title, widest)
      lines[#lines + 1] = title .. (" "):rep(widest - width + 2) .. cut(column.texts[r], math.max(NARROWEST, limit - widest - 2))
    end
  end
  return lines
end

--- Rows as a table.
---@param columns string[]
---@param rows table[] by column
---@param limit integer columns of the terminal
---@param missing string? what stands for nil
---@return string
function show.rows(columns, rows, limit, missing)
  local made = layout(columns, rows, missing or "")
  local lines = squeeze(made, limit) and grid(made) or upright(layout(columns, rows, missing or ""), limit)
  local left_out = #rows - ROWS
  if left_out > 0 then lines[#lines + 1] = ("... %d more rows; all of them are in _"):format(left_out) end
  return table.concat(lines, "\n")
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
  if columns then return show.rows(columns, value, limit) end
  return bounded(pretty(value, 0, { open = {}, depth = 0, limit = limit }))
end

return show

-- Rows as a table that fits the terminal. Numbers stand to the right and are never cut; columns of text are narrowed,
-- and rows that still do not fit stand upright.

local host = require "cli.host"
local json = require "json"
local scalar = require "cli.repl.scalar"

local ROWS, CELL, NARROWEST = 50, 60, 10 -- a date is never cut

local function cut(text, limit)
  local shown, width, whole = host.fit(text, limit)
  if whole then return shown, width end
  shown, width = host.fit(text, limit - 1)
  return shown .. "…", width + 1
end

local function compact(value)
  local ok, text = pcall(json.encode, value)
  return ok and text or tostring(value)
end

local function looks_numeric(text)
  return text:find "^%-?%d[%d.]*$" ~= nil or text:find "^%-?%d[%d.]*e[+-]?%d+$" ~= nil
end

local function lay_out(name, rows, missing)
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
  return column
end

-- Texts and widths of the rows that are shown, column by column.
local function layout(columns, rows, missing)
  local made = {}
  for i, name in ipairs(columns) do made[i] = lay_out(name, rows, missing) end
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

local function flat(columns)
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

--- Rows as text.
---@param columns string[]
---@param rows table[] by column
---@param limit integer columns of the terminal
---@param missing string? what stands for nil
---@return string
return function(columns, rows, limit, missing)
  local made = layout(columns, rows, missing or "")
  local lines = squeeze(made, limit) and flat(made) or upright(layout(columns, rows, missing or ""), limit)
  local left_out = #rows - ROWS
  if left_out > 0 then lines[#lines + 1] = ("... %d more rows; all of them are in _"):format(left_out) end
  return table.concat(lines, "\n")
end

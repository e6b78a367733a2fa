-- What could follow the cursor: commands, global names, fields of tables, names inside a word's first string.

local client = require "client"
local commands = require "cli.repl.commands"
local evaluate = require "cli.repl.evaluate"
local query = require "cli.repl.query"
local report = require "report"
local scripts = require "cli.scripts"
local show = require "cli.repl.show"

local RECENT, PATIENCE = 50, 1 -- runs offered; seconds for the server to name them
local KEYWORDS = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil", "not", "or",
  "repeat", "return", "then", "true", "until", "while" }

local complete = {}

-- --- names inside strings ---

local function recent_runs()
  local ok, list = pcall(client.list, "", RECENT, { once = PATIENCE })
  local ids, seen = {}, {}
  for _, about in ipairs(ok and list or {}) do
    local id = about.execution.workflow_id
    if not seen[id] then ids[#ids + 1] = id end
    seen[id] = true
  end
  return ids
end

local TABLES = [[SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'v', 'm', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1]]

local function tables()
  if not query.is_ready() then return {} end
  local names = {}
  for i, row in ipairs(query.connection():query(TABLES)) do names[i] = row.name end
  return names
end

local function names(kind)
  return function() return scripts.names(kind) end
end

local function reports()
  scripts.load_reports()
  return report.names()
end

local IN_STRING = { trigger = names "source", sync = names "source", start = names "workflow", preview = reports,
  wait = recent_runs, why = recent_runs, show = recent_runs, history = recent_runs, signal = recent_runs, query = recent_runs,
  cancel = recent_runs, terminate = recent_runs }

-- --- fields ---

local function fields(value, methods, list)
  for name, field in pairs(type(value) == "table" and value or {}) do
    if type(name) == "string" and name:find "^[%a_][%w_]*$" and (not methods or type(field) == "function") then list[#list + 1] = name end
  end
  local meta = debug.getmetatable(value)
  local index = type(meta) == "table" and rawget(meta, "__index")
  if type(index) == "table" then fields(index, methods, list) end
  return list
end

-- The value of "a.b.c", without running anything.
local function value_of(path)
  local value = evaluate.globals
  for name in path:gmatch "[%w_]+" do
    local meta = debug.getmetatable(value)
    local index = type(meta) == "table" and rawget(meta, "__index")
    local found = type(value) == "table" and rawget(value, name)
    if found == nil or found == false then found = value == evaluate.globals and value[name] or type(index) == "table" and index[name] end
    value = found
    if value == nil or value == false then return nil end
  end
  return value
end

local function with_keywords()
  local list = evaluate.names()
  for _, word in ipairs(KEYWORDS) do list[#list + 1] = word end
  return list
end

-- --- the word at the cursor ---

local function prefixes(list, begun)
  local found, seen = {}, {}
  for _, name in ipairs(list) do
    if name:sub(1, #begun) == begun and not seen[name] then
      found[#found + 1] = name
      seen[name] = true
    end
  end
  table.sort(found)
  return found
end

--- What may stand where the cursor is.
---@param before string the text in front of the cursor
---@return string[] candidates
---@return string begun how much of them is there
---@return string? closing what follows a candidate that is the only one
function complete.candidates(before)
  local command, argument = before:match "^%s*:(%l*)%s*(.*)$"
  if command and not before:find "^%s*:%l+%s" then return prefixes(commands.names, command), command end
  if command == "edit" then
    local list = {}
    for _, kind in ipairs { "report", "source", "workflow" } do
      for _, name in ipairs(scripts.names(kind)) do list[#list + 1] = name end
    end
    return prefixes(list, argument), argument
  end
  if command and command ~= "help" then return {}, "" end
  local word, quote, begun = before:match "([%a_]+)%s*[({]?%s*([\"'])([^\"']*)$"
  if word == "sql" then
    begun = begun:match "[%w_.]*$"
    return prefixes(tables(), begun), begun
  end
  if IN_STRING[word] then return prefixes(IN_STRING[word](), begun), begun, quote end
  local path, mark, field = before:match "([%a_][%w_.]*)([.:])([%w_]*)$"
  if path then return prefixes(fields(value_of(path), mark == ":", {}), field), field end
  begun = before:match "[%a_][%w_]*$"
  if not begun then return {}, "" end
  return prefixes(with_keywords(), begun), begun
end

local function shared_prefix(list)
  local prefix = list[1]
  for _, name in ipairs(list) do
    while name:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

local function in_columns(list)
  local widest, lines, line = 0, {}, ""
  for _, name in ipairs(list) do widest = math.max(widest, #name + 2) end
  for _, name in ipairs(list) do
    if #line > 0 and #line + widest > show.columns() then
      lines[#lines + 1], line = line, ""
    end
    line = line .. name .. (" "):rep(widest - #name)
  end
  lines[#lines + 1] = line
  return (table.concat(lines, "\n") .. "\n"):gsub(" +\n", "\n")
end

--- What Tab does: the text to insert, and the choices to show when that leaves several.
---@param before string
---@return string insert
---@return string choices
function complete.answer(before)
  if before:match "^%s*$" then return "  ", "" end
  local list, begun, closing = complete.candidates(before)
  if #list == 0 then return "", "" end
  local insert = shared_prefix(list):sub(#begun + 1)
  if #list == 1 then insert = insert .. (closing or "") end
  return insert, #list > 1 and insert == "" and in_columns(list) or ""
end

--- A Tab that could not ask is a Tab that does nothing.
function complete.safely(before)
  local ok, insert, choices = pcall(complete.answer, before)
  if not ok then return "", "" end
  return insert, choices
end

return complete

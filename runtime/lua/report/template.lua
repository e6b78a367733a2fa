-- Templates: text with {{ value|filter }}, {% if %}, {% elif %}, {% else %}, {% for %} and {# comment #}. Compiled when
-- the report is loaded; what is wrong is a TemplateError with the template's file:line, then or when it renders.
--
-- A tag that stands alone on its line leaves no line behind, and the last line has no line end.

local channels = require "report.channels"
local expression = require "report.expression"
local nearest = require "nearest"
local pieces = require "report.pieces"
local scopes = require "report.scope"

local template = {}

local DEEPEST = 20

local at_place = pieces.at

-- --- nodes: function(scope, out) ---

local function shown(value, scope)
  local markup = channels.markup(value)
  if markup then return markup end
  if value == nil then return "" end
  if type(value) == "table" then error("a list is shown by {% for %}", 0) end
  if type(value) == "number" then value = value % 1 == 0 and ("%.0f"):format(value) or ("%.14g"):format(value) end
  return scope.channel.escape(tostring(value))
end

local function value_node(piece)
  local run = at_place(piece.place, expression.compile, piece.text)
  return function(scope, out)
    out[#out + 1] = at_place(piece.place, function() return shown(run(scope), scope) end)
  end
end

local function run_all(nodes, scope, out)
  for _, node in ipairs(nodes) do node(scope, out) end
end

-- The cursor is { pieces, at, depth }; parse_until gives the nodes up to one of the words, and that tag.
local parse_until

local function if_node(cursor, piece, condition)
  local run = at_place(piece.place, expression.compile, condition)
  local yes, tag = parse_until(cursor, piece, { ["elif"] = true, ["else"] = true, ["endif"] = true })
  local no = {}
  if tag.word == "elif" then no = { if_node(cursor, tag.piece, tag.rest) } end
  if tag.word == "else" then no = parse_until(cursor, piece, { endif = true }) end
  return function(scope, out)
    local holds = at_place(piece.place, function() return expression.holds(run(scope)) end)
    run_all(holds and yes or no, scope, out)
  end
end

-- Lists by place, other tables by their keys in order.
local function entries_of(list)
  if list == nil then return {} end
  if type(list) ~= "table" then error("for goes through a list, not through a " .. type(list), 0) end
  local entries, keys = {}, {}
  for i, value in ipairs(list) do entries[i] = { i, value } end
  if #entries > 0 then return entries end
  for key in pairs(list) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do entries[i] = { key, list[key] } end
  return entries
end

local function each(entries, names, body, scope, out)
  for i, entry in ipairs(entries) do
    local values = { loop = { index = i, first = i == 1, last = i == #entries, length = #entries } }
    if names[2] then values[names[1]], values[names[2]] = entry[1], entry[2] else values[names[1]] = entry[2] end
    run_all(body, scope:inner(values), out)
  end
end

local function for_node(cursor, piece, words)
  local first, second, list = words:match "^([%a_][%w_]*)%s*,?%s*([%a_]?[%w_]*)%s+in%s+(.+)$"
  if not first then at_place(piece.place, error, "for is written {% for row in rows %} or {% for key, value in rows %}", 0) end
  local run, names = at_place(piece.place, expression.compile, list), { first, second ~= "" and second or nil }
  local body, tag = parse_until(cursor, piece, { ["else"] = true, endfor = true })
  local empty = tag.word == "else" and parse_until(cursor, piece, { endfor = true }) or {}
  return function(scope, out)
    local entries = at_place(piece.place, function() return entries_of(run(scope)) end)
    if #entries == 0 then return run_all(empty, scope, out) end
    each(entries, names, body, scope, out)
  end
end

local BLOCKS = { ["if"] = if_node, ["for"] = for_node }
local TAGS = { "if", "elif", "else", "endif", "for", "endfor" }

local function unexpected(piece, word, ends)
  for _, tag in ipairs(TAGS) do
    if tag == word then return at_place(piece.place, error, ("{%% %s %%} without its beginning"):format(word), 0) end
  end
  local close = nearest.word(word, TAGS)
  at_place(piece.place, error, ("there is no tag %q%s"):format(word, close and ("; did you mean %q?"):format(close) or ends), 0)
end

local function block(cursor, piece, words)
  local word, rest = piece.text:match "^%s*([%w_-]+)%s*(.-)%s*$"
  if not word then at_place(piece.place, error, "an empty {% %}", 0) end
  if words[word] then return nil, { word = word, rest = rest, piece = piece } end
  local make = BLOCKS[word] or unexpected(piece, word, "; there are " .. table.concat(TAGS, ", "))
  cursor.depth = cursor.depth + 1
  if cursor.depth > DEEPEST then at_place(piece.place, error, ("tags nest deeper than %d"):format(DEEPEST), 0) end
  local node = make(cursor, piece, rest)
  cursor.depth = cursor.depth - 1
  return node
end

local function text_node(text)
  return function(_, out) out[#out + 1] = text end
end

function parse_until(cursor, opening, words)
  local nodes = {}
  while cursor.pieces[cursor.at] do
    local piece = cursor.pieces[cursor.at]
    cursor.at = cursor.at + 1
    if piece.kind == "text" then
      nodes[#nodes + 1] = text_node(piece.text)
    elseif piece.kind == "{{" then
      nodes[#nodes + 1] = value_node(piece)
    else
      local node, tag = block(cursor, piece, words)
      if tag then return nodes, tag end
      nodes[#nodes + 1] = node
    end
  end
  if opening then at_place(opening.place, error, ("{%%%s%%} has no end"):format(opening.text), 0) end
  return nodes
end

local Template = {}
Template.__index = Template

--- The text for these values in a channel's way.
---@param values table
---@param channel table of report.channels
---@param known? table<string, boolean> names that may be missing in values: they are null
---@return string
function Template:render(values, channel, known)
  local out = {}
  run_all(self.nodes, scopes.new(values, channel, known or {}), out)
  return table.concat(out)
end

--- Compiles a template.
---@param text string
---@param name string what errors call it: "reports/daily_ccw.slack.tpl"
---@return table template render, text, name
function template.compile(text, name)
  local cursor = { pieces = pieces.cut(text, name), at = 1, depth = 0 }
  return setmetatable({ nodes = parse_until(cursor, nil, {}), text = text, name = name }, Template)
end

--- The text with every tag blanked out, line for line: what is left is markup.
---@param text string
---@return string
function template.blank(text)
  local function with(filler)
    return function(tag) return (tag:gsub("[^\n]", filler)) end
  end
  return (text:gsub("{{.-}}", with "x"):gsub("{[%%#].-[%%#]}", with " "))
end

return template

-- Expressions of templates: names, numbers, texts, comparisons, and/or/not, filters. `compile` makes a function of the
-- scope; what is not known is refused then, not when the report is due.
--
--   or > and > not > comparison > filters > name.field, 12, "text", true, false, none, ( )

local decimal = require "report.decimal"
local filters = require "report.filters"
local json = require "json"
local nearest = require "nearest"
local sorted_keys = require "sorted_keys"
local tokens_of = require "report.tokens"

local expression = {}

-- --- values ---

--- Null, nil inside of templates.
function expression.plain(value)
  if value == json.null then return nil end
  return value
end

--- Whether {% if %} takes it: not null, false, zero, "" or an empty list.
---@return boolean
function expression.holds(value)
  if value == nil or value == false or value == "" then return false end
  if type(value) == "table" then return next(value) ~= nil end
  return decimal.number(value) ~= 0
end

local function same(a, b)
  local x, y = decimal.number(a), decimal.number(b)
  if x and y then return x == y end
  return a == b
end

local function less(a, b)
  local x, y = decimal.number(a), decimal.number(b)
  if x and y then return x < y end
  if type(a) == "string" and type(b) == "string" then return a < b end
  error(("%s and %s have no order"):format(a == nil and "null" or type(a), b == nil and "null" or type(b)), 0)
end

local COMPARING = {
  ["=="] = same, ["!="] = function(a, b) return not same(a, b) end,
  ["<"] = less, [">"] = function(a, b) return less(b, a) end,
  ["<="] = function(a, b) return not less(b, a) end, [">="] = function(a, b) return not less(a, b) end,
}

-- --- the parser: each function takes the cursor { list, at } and gives a function of the scope ---

local parse_any

local function peek(cursor, kind, text)
  local token = cursor.list[cursor.at]
  return token and token[1] == kind and (not text or token[2] == text) and token
end

local function take(cursor, kind, text)
  local token = peek(cursor, kind, text)
  if token then cursor.at = cursor.at + 1 end
  return token
end

local function need(cursor, kind, text)
  local token = take(cursor, kind, text)
  if token then return token end
  local found = cursor.list[cursor.at]
  local where = found and ("before %q"):format(found[2]) or "at the end"
  error(("%s is missing %s"):format(text and ("%q"):format(text) or "a " .. kind, where), 0)
end

local function constant(value)
  return function() return value end
end

local function parse_name(cursor)
  local path = { need(cursor, "name")[2] }
  while take(cursor, "sign", ".") do path[#path + 1] = need(cursor, "name")[2] end
  return function(scope) return scope:value(path) end
end

local CONSTANT = { ["true"] = constant(true), ["false"] = constant(false), none = constant(nil) }

local function parse_single(cursor)
  local number = peek(cursor, "sign", "-") and cursor.list[cursor.at + 1]
  if number and number[1] == "number" then
    cursor.at = cursor.at + 2
    return constant(-tonumber(number[2]))
  end
  local token = cursor.list[cursor.at]
  if take(cursor, "number") then return constant(tonumber(token[2])) end
  if take(cursor, "text") then return constant(token[2]) end
  if token and CONSTANT[token[2]] and take(cursor, "word") then return CONSTANT[token[2]] end
  if take(cursor, "sign", "(") then
    local inner = parse_any(cursor)
    need(cursor, "sign", ")")
    return inner
  end
  return parse_name(cursor)
end

local function filter_named(name)
  if filters[name] then return filters[name] end
  local names = sorted_keys(filters)
  local close = nearest.word(name, names)
  local hint = close and ("did you mean %q?"):format(close) or "there are " .. table.concat(names, ", ")
  error(("there is no filter %q; %s"):format(name, hint), 0)
end

local function parse_arguments(cursor)
  local list = {}
  if not take(cursor, "sign", "(") then return list end
  while not take(cursor, "sign", ")") do
    if #list > 0 then need(cursor, "sign", ",") end
    list[#list + 1] = parse_any(cursor)
  end
  return list
end

local function apply(filter, input, arguments)
  return function(scope)
    local values = {}
    for i, argument in ipairs(arguments) do values[i] = argument(scope) end
    return filter.run(scope.channel, input(scope), unpack(values, 1, #arguments))
  end
end

local function parse_filtered(cursor)
  local value = parse_single(cursor)
  while take(cursor, "sign", "|") do
    local name = need(cursor, "name")[2]
    local filter, arguments = filter_named(name), parse_arguments(cursor)
    if #arguments < filter.least or #arguments > filter.most then
      error(("%s takes %s"):format(name, filter.most == 0 and "no arguments" or
        ("%d argument%s"):format(filter.most, filter.least < filter.most and " at most" or "")), 0)
    end
    value = apply(filter, value, arguments)
  end
  return value
end

local function parse_comparison(cursor)
  local left = parse_filtered(cursor)
  local token = peek(cursor, "sign")
  local compare = token and COMPARING[token[2]]
  if not compare then return left end
  cursor.at = cursor.at + 1
  local right = parse_filtered(cursor)
  return function(scope) return compare(left(scope), right(scope)) end
end

local function parse_not(cursor)
  if not take(cursor, "word", "not") then return parse_comparison(cursor) end
  local inner = parse_not(cursor)
  return function(scope) return not expression.holds(inner(scope)) end
end

local function parse_and(cursor)
  local left = parse_not(cursor)
  while take(cursor, "word", "and") do
    local first, second = left, parse_not(cursor)
    left = function(scope) return expression.holds(first(scope)) and expression.holds(second(scope)) end
  end
  return left
end

function parse_any(cursor)
  local left = parse_and(cursor)
  while take(cursor, "word", "or") do
    local first, second = left, parse_and(cursor)
    left = function(scope) return expression.holds(first(scope)) or expression.holds(second(scope)) end
  end
  return left
end

--- A function of the scope that gives the expression's value. Raises plain text on what it does not understand.
---@param text string
---@return fun(scope: table): any
function expression.compile(text)
  local cursor = { list = tokens_of(text), at = 1 }
  if #cursor.list == 0 then error("an expression is missing", 0) end
  local run = parse_any(cursor)
  local rest = cursor.list[cursor.at]
  if rest then error(("%q is not understood here"):format(rest[2]), 0) end
  return run
end

return expression

-- The string functions that call a script's functions, and those whose results grow. C never calls back
-- into Lua, so all of these can wait and can be stopped.

local primitives = require "script"

local is_plain, next_match, replace = primitives.is_plain, primitives.next_match, primitives.replace
local metafield, name = primitives.metafield, primitives.name
local check_repeat, check_concat = primitives.check_repeat, primitives.check_concat
local raw_format, raw_rep, raw_concat, raw_tostring = string.format, string.rep, table.concat, tostring
local sub = string.sub

local NAMED = { table = true, ["function"] = true, thread = true, userdata = true }

local M = {}

--- tostring without addresses: "table: #1" is the first thing without a text that the run shows.
---@param value any
---@return string
function M.tostring(...)
  if select("#", ...) == 0 then error("bad argument #1 to 'tostring' (value expected)", 2) end
  local value = (...)
  local own = metafield(value, "__tostring")
  if own then
    local text = own(value)
    if type(text) ~= "string" then error("'tostring' must return a string to 'tostring'", 2) end
    return text
  end
  return NAMED[type(value)] and name(value) or raw_tostring(value)
end

local show = M.tostring

local function shown(...)
  local values, n = { ... }, select("#", ...)
  for i = 1, n do
    if NAMED[type(values[i])] then values[i] = show(values[i]) end
  end
  return unpack(values, 1, n)
end

function M.format(format, ...)
  if is_plain(format, ...) then return raw_format(format, ...) end
  return raw_format(format, shown(...))
end

local function replacement(with, whole, ...)
  local value
  if type(with) == "function" then
    value = with(...)
  else
    value = with[(...)]
  end
  if not value then return whole end
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" then error(("invalid replacement value (a %s)"):format(kind), 0) end
  return value
end

-- Adds what the match becomes; returns where it began and ended.
local function take(pieces, text, at, with, from, to, ...)
  if not from then return nil end
  local n = #pieces
  pieces[n + 1] = sub(text, at, from - 1)
  pieces[n + 2] = replacement(with, sub(text, from, to), ...)
  return from, to
end

local function substitute(text, pattern, with, limit)
  local pieces, count, at = {}, 0, 1
  while count < limit do
    local from, to = take(pieces, text, at, with, next_match(text, pattern, at))
    if not from then break end
    count = count + 1
    at = to + 1
    if to < from then
      pieces[#pieces + 1] = sub(text, from, from)
      at = from + 1
    end
    if at > #text + 1 then break end
  end
  pieces[#pieces + 1] = sub(text, at)
  return raw_concat(pieces), count
end

function M.gsub(text, pattern, with, limit)
  local kind = type(with)
  if kind ~= "function" and kind ~= "table" then return replace(text, pattern, with, limit) end
  if type(text) == "number" then text = raw_tostring(text) end
  if type(text) ~= "string" then error(("bad argument #1 to 'gsub' (string expected, got %s)"):format(type(text)), 2) end
  return substitute(text, pattern, with, limit or math.huge)
end

function M.rep(text, count, separator)
  check_repeat(text, count, separator)
  return raw_rep(text, count, separator)
end

function M.concat(list, separator, first, last)
  check_concat(list, separator, first, last)
  return raw_concat(list, separator, first, last)
end

return M

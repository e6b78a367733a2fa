-- A value that is no plain table, as text on one line: how the REPL writes numbers, functions, null and whatever knows
-- how to say itself.

local json = require "json"

local function number_text(value)
  local ok, text = pcall(json.encode, value)
  return ok and text or tostring(value)
end

local function function_text(value)
  local about = debug.getinfo(value, "S")
  if about.what == "C" then return "<function>" end
  return ("<function %s:%d>"):format(about.short_src, about.linedefined)
end

--- The text, strings without quotes; nil for a plain table.
---@param value any
---@return string?
return function(value)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return number_text(value) end
  if kind == "function" then return function_text(value) end
  if value == json.null then return "null" end
  if kind ~= "table" then return tostring(value) end
  local meta = debug.getmetatable(value)
  return meta and meta.__tostring and tostring(value) or nil
end

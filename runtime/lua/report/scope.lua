-- What names mean inside a template: the loops' own, then the report's values. A name that nobody gave is an error
-- that names the nearest, since a misspelt one would be an empty place in a report.

local expression = require "report.expression"
local nearest = require "nearest"

local scopes = {}

local Scope = {}
Scope.__index = Scope

local function missing(name, values, known)
  local names = {}
  for key in pairs(values) do names[#names + 1] = tostring(key) end
  for key in pairs(known) do names[#names + 1] = key end
  table.sort(names)
  local close = nearest.word(name, names)
  error(("there is no value %q%s"):format(name, close and ("; did you mean %q?"):format(close) or ""), 0)
end

local function holder(scope, name)
  while scope.up and scope.values[name] == nil do scope = scope.up end
  return scope.values
end

--- The value of a name and its fields, nil when it is null.
---@param path string[]
---@return any
function Scope:value(path)
  local values = holder(self, path[1])
  for i, name in ipairs(path) do
    if type(values) ~= "table" then error(("%s is a %s and has no %q"):format(path[i - 1], type(values), name), 0) end
    local value = values[name]
    if value == nil and not self.known[name] then missing(name, values, self.known) end
    values = expression.plain(value)
    if values == nil then return nil end
  end
  return values
end

--- A scope in which some names mean something else.
---@param values table
---@return table
function Scope:inner(values)
  return setmetatable({ values = values, up = self, channel = self.channel, known = self.known }, Scope)
end

--- The outermost scope of a template.
---@param values table
---@param channel table
---@param known table<string, boolean>
---@return table
function scopes.new(values, channel, known)
  return setmetatable({ values = values, channel = channel, known = known }, Scope)
end

return scopes

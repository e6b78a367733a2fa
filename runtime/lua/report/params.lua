-- Parameters of a report: what it declares, and what the command line, a schedule or a workflow gave.
--
--   params = { date = yesterday, advertiser_id = 1, level = { kind = "text", default = "error", one_of = { "error", "info" } } }
--
-- A plain value is a default that says the kind too; a table with a kind and without a default is needed.

local client = require "sync.client"
local dates = require "sync.dates"
local errors = require "errors"
local json = require "json"
local nearest = require "nearest"
local sorted_keys = require "sorted_keys"

local params = {}

local KNOWN = { kind = true, default = true, about = true, one_of = true }

-- How many days before today these words mean.
local DAYS = { today = 0, yesterday = 1 }

--- The default of a date: the day before the one that it is now in the report's zone.
params.yesterday = { kind = "date", default = "yesterday" }

local function take_date(value, today)
  if DAYS[value] then return dates.add(today, -DAYS[value]) end
  local ok, date = pcall(dates.check, value)
  return ok and date or nil
end

local function take_number(value)
  if type(value) ~= "number" and type(value) ~= "string" then return nil end
  local number = tonumber(value)
  return number and number == number and math.abs(number) ~= math.huge and number or nil
end

local function take_integer(value)
  local number = take_number(value)
  return number and number % 1 == 0 and math.abs(number) < 2 ^ 53 and number or nil
end

local function take_text(value)
  if type(value) == "string" then return value end
  return type(value) == "number" and ("%.14g"):format(value) or nil
end

local function take_client(value)
  local name = take_text(value)
  return name and client.check(name)
end

local BOOLEANS = { ["true"] = true, ["false"] = false, yes = true, no = false }

local function take_boolean(value)
  if type(value) == "string" then return BOOLEANS[value] end
  if type(value) == "boolean" then return value end
  return nil
end

local function take_table(value)
  if type(value) == "table" then return value end
  local ok, decoded = pcall(json.decode, value)
  return ok and type(decoded) == "table" and decoded or nil
end

local KINDS = {
  date = { take_date, "a date: YYYY-MM-DD, today or yesterday" },
  integer = { take_integer, "a whole number" },
  number = { take_number, "a number" },
  text = { take_text, "text" },
  boolean = { take_boolean, "true or false" },
  client = { take_client, "a client's name" },
  table = { take_table, "a JSON object or list" },
}

local function did_you_mean(word, set)
  local list = sorted_keys(set)
  local close = nearest.word(word, list)
  return close and ("; did you mean %q?"):format(close) or #list > 0 and "; it takes " .. table.concat(list, ", ") or "; it takes none"
end

local function kind_of(default)
  if type(default) == "number" then return default % 1 == 0 and "integer" or "number" end
  return ({ string = "text", boolean = "boolean" })[type(default)]
end

local function declare(name, given)
  if type(given) ~= "table" then
    local kind = kind_of(given)
    if not kind then error(("the parameter %s is a %s"):format(name, type(given)), 0) end
    return { kind = kind, default = given }
  end
  for key in pairs(given) do
    if not KNOWN[key] then error(("the parameter %s has no %q%s"):format(name, tostring(key), did_you_mean(tostring(key), KNOWN)), 0) end
  end
  if not KINDS[given.kind] then
    error(("the parameter %s has the kind %q%s"):format(name, tostring(given.kind), did_you_mean(tostring(given.kind), KINDS)), 0)
  end
  return given
end

--- Checks a report's declaration. Raises plain text.
---@param declared table<string, any>
---@return table<string, { kind: string, default: any, about: string?, one_of: string[]? }>
function params.declare(declared)
  local list = {}
  for name, given in pairs(declared) do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then error("params are name = default", 0) end
    list[name] = declare(name, given)
  end
  return list
end

local function among(value, list)
  for _, one in ipairs(list) do
    if one == value then return true end
  end
  return false
end

local function take(report, name, param, value, today)
  local kind = KINDS[param.kind]
  local taken = kind[1](value, today)
  if taken == nil then
    local shown = type(value) == "table" and "a table" or ("%q"):format(tostring(value))
    error(errors.ValueError(("report %s: %s is %s, not %s"):format(report, name, kind[2], shown)), 0)
  end
  if param.one_of and not among(taken, param.one_of) then
    local words = table.concat(param.one_of, ", ")
    error(errors.ValueError(("report %s: %s is one of %s, not %q"):format(report, name, words, tostring(taken))), 0)
  end
  return taken
end

--- The values of all parameters. What is null counts as not given.
---@param report string its name, for errors
---@param declared table of params.declare
---@param given? table<string, any> text, as from a command line, is read by the parameter's kind
---@param today string the business day that it is now
---@return table<string, any>
function params.resolve(report, declared, given, today)
  for name in pairs(given or {}) do
    if not declared[name] then
      local hint = did_you_mean(tostring(name), declared)
      error(errors.ValueError(("report %s has no parameter %q%s"):format(report, tostring(name), hint)), 0)
    end
  end
  local values = {}
  for name, param in pairs(declared) do
    local value = given and given[name]
    if value == nil or value == json.null then value = param.default end
    if value == nil then error(errors.ValueError(("report %s needs the parameter %s"):format(report, name)), 0) end
    values[name] = take(report, name, param, value, today)
  end
  return values
end

return params

-- What analysts declare: sources and their resources, checked where they stand, so that a mistake names its line.

local client = require "sync.client"
local contract = require "sync.contract"
local dates = require "sync.dates"
local duration = require "duration"
local errors = require "errors"
local files = require "sync.files"
local mistake = require "mistake"
local nearest = require "nearest"
local pages = require "pages"
local rate = require "sync.rate"
local sorted_keys = require "sorted_keys"
local zone = require "zone"

local declare = {}

local sources = {}

local SOURCE_FIELDS = { base_url = "string", tz = "string", lookback = "string", initial = "string", client = "string", clients = "table",
  kwargs = "table", rate = "string", busy = "string", secrets = "table", headers = "function", token = "function", probe = "function" }
local RESOURCE_FIELDS = { key = "table", columns = "table", stored = "table", window = "string", window_column = "string", days = "number",
  cursor = "string", fetch = "function", filters = "table", allow_shrink = "boolean", files = "function", drift = "table", enums = "table" }
local WINDOWS = { range = true, day = true, none = true, changes = true, files = true }
local DAYS = { range = true, day = true }

local function check_field(what, key, value, known)
  local wanted = known[key]
  if not wanted then
    local close = nearest.word(key, sorted_keys(known))
    mistake(("%s has no field %q%s"):format(what, key, close and ("; did you mean %q?"):format(close) or ""))
  end
  if type(value) ~= wanted then mistake(("%s: %s is a %s, not a %s"):format(what, key, wanted, type(value))) end
end

local function check_fields(what, declared, known)
  for key, value in pairs(declared) do
    if type(key) == "string" then check_field(what, key, value, known) end
  end
end

local function need(what, declared, ...)
  for _, key in ipairs { ... } do
    if declared[key] == nil then mistake(("%s lacks %s"):format(what, key)) end
  end
end

-- What a checker makes of a field; its complaint becomes one about the script's line.
local function made(what, check, ...)
  local ok, value = pcall(check, ...)
  if ok then return value end
  mistake(("%s: %s"):format(what, (errors.normalize(value).message:gsub("^%l+%.%l+: ", ""))))
end

local function check_rows(what, declared)
  need(what, declared, "key", "fetch")
  if declared.window ~= "none" then need(what, declared, "columns") end
  if DAYS[declared.window] then need(what, declared, "window_column") end
  for _, column in ipairs(declared.key) do
    local there = not declared.columns or declared.columns[column]
    if not there then mistake(("%s: the key column %q is not among its columns"):format(what, column)) end
  end
end

local function check_enums(what, declared)
  for column, values in pairs(declared.enums or {}) do
    local there = not declared.columns or declared.columns[column]
    if not there then mistake(("%s: enums names %q, which is not among its columns"):format(what, tostring(column))) end
    if type(values) ~= "table" or #values == 0 then mistake(("%s: enums.%s is a list of texts"):format(what, column)) end
    for _, value in ipairs(values) do
      if type(value) ~= "string" then mistake(("%s: enums.%s has %s, which is no text"):format(what, column, tostring(value))) end
    end
  end
end

local function check_files(what, declared)
  need(what, declared, "files", "fetch")
  if declared.key or declared.columns then mistake(what .. ": files bring their own key and columns") end
  declared.key, declared.window_column = files.KEY, files.KEY[1]
end

--- Declares one table of a source; belongs inside `source`.
---@param name string  the table's name in the source's schema
---@return fun(declared: table): table
function declare.resource(name)
  return function(declared)
    local what = ("resource %q"):format(name)
    check_fields(what, declared, RESOURCE_FIELDS)
    declared.window = declared.window or "none"
    if not WINDOWS[declared.window] then mistake(what .. ': window is "range", "day", "changes", "files" or "none"') end
    if declared.window == "files" then check_files(what, declared) else check_rows(what, declared) end
    if declared.columns then made(what, pages.plan, declared.columns) end
    check_enums(what, declared)
    declared.name = name
    declared.drift = contract.policies(what, declared.drift)
    return declared
  end
end

--- Declares a source. One file a vendor; the name is what `signalroom trigger NAME` takes and the schema's name.
---@param name string
---@return fun(declared: table)
function declare.source(name)
  return function(declared)
    local what = ("source %q"):format(name)
    check_fields(what, declared, SOURCE_FIELDS)
    need(what, declared, "base_url")
    if #declared == 0 then mistake(what .. " has no resource") end
    if sources[name] then mistake(what .. " is declared twice") end
    declared.name = name
    declared.tz = declared.tz or "America/New_York"
    made(what, zone.offset, 0, declared.tz)
    declared.lookback_days = math.ceil(duration.ms(declared.lookback or "3d", "lookback") / 86400000)
    declared.initial = made(what .. ": initial", dates.check, declared.initial or "2025-12-20")
    declared.client = declared.client or client.DEFAULT
    declared.clients = declared.clients or { declared.client }
    declared.busy_ms = declared.busy and duration.ms(declared.busy, "busy")
    declared.limit = declared.rate and made(what, rate.new, declared.rate)
    sources[name] = declared
  end
end

--- Forgets every source and client, so that changed scripts can declare theirs anew.
function declare.forget()
  for name in pairs(sources) do sources[name] = nil end
  client.forget()
end

--- The names of all sources, sorted.
---@return string[]
function declare.names()
  return sorted_keys(sources)
end

--- A declared source. Raises ValueError for a name that none has.
---@param name string
---@return table
function declare.find(name)
  local source = sources[name]
  if not source then
    error(errors.ValueError(("Unknown source: %s. Available: %s"):format(tostring(name), table.concat(declare.names(), ", "))), 0)
  end
  return source
end

--- Those of a source's resources that are asked for; all unless names are given. Raises ValueError for a name that none has.
---@param source table
---@param names string[]?
---@return table[]
function declare.chosen(source, names)
  if not names then return source end
  local list = {}
  for _, name in ipairs(names) do
    local found
    for _, resource in ipairs(source) do found = found or resource.name == name and resource end
    if not found then error(errors.ValueError(("source %s has no resource %q"):format(source.name, name)), 0) end
    list[#list + 1] = found
  end
  return list
end

return declare

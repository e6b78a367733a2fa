-- What the REPL prints: results on stdout, progress on stderr, errors as `Type: message (file:line)` with what to do;
-- with --json one document a statement, in which everything is.

local exits = require "cli.exits"
local host = require "cli.host"
local json = require "json"
local output = require "cli.output"
local show = require "cli.repl.show"

local printer = {}

local printed = {} -- what print() said since the last statement, with --json

-- --- errors ---

-- The file:line in front of a plain error's message, and the rest.
local function split(message)
  local place, rest = message:match "^([%w%._/%-]+:%d+): (.*)$"
  return rest or message, place
end

--- An error as parts: type, message, place, fix, causes.
---@param err Error
---@return table
function printer.parts(err)
  local message, place = split(tostring(err.message))
  place = place or (err.stack or ""):match "^([^\n]-:%d+): in"
  local _, hint = exits.of(err)
  local causes, cause = {}, err.cause
  while type(cause) == "table" do
    causes[#causes + 1] = ("%s: %s"):format(tostring(cause.type), tostring(cause.message))
    cause = cause.cause
  end
  return { type = err.type, message = message, place = place, hint = err.hint or hint, causes = causes }
end

local function frames(err, place)
  local lines = {}
  for line in (err.stack or ""):gmatch "[^\n]+" do
    if line:sub(1, #place) ~= place and not line:find "^repl:" then lines[#lines + 1] = "  from " .. line end
  end
  return lines
end

--- An error as text.
---@param err Error
---@return string
function printer.error_text(err)
  local parts = printer.parts(err)
  local first, more = parts.message:match "^([^\n]*)(.*)$"
  local lines = { ("%s: %s%s%s"):format(parts.type, first, parts.place and (" (%s)"):format(parts.place) or "", more) }
  for _, cause in ipairs(parts.causes) do lines[#lines + 1] = "  caused by " .. cause end
  for _, line in ipairs(parts.place and frames(err, parts.place) or {}) do lines[#lines + 1] = line end
  if parts.hint then lines[#lines + 1] = "  -> " .. parts.hint end
  return table.concat(lines, "\n")
end

-- --- outcomes ---

-- A value as JSON has it; what JSON has not, as text.
local function plain(value)
  if value == nil then return json.null end
  if pcall(json.encode, value) then return value end
  return show.text(value)
end

local function document_of(values)
  if values.n <= 1 then return { value = plain(values[1]) } end
  local list = {}
  for i = 1, values.n do list[i] = plain(values[i]) end
  return { values = json.array(list) }
end

local function error_document(err)
  local parts = printer.parts(err)
  parts.causes = #parts.causes > 0 and json.array(parts.causes) or nil
  return { error = parts }
end

--- What the values of a statement look like: a document with --json, else text, nil when there are none.
---@param values table with n
---@return table|string|nil
function printer.present(values)
  if output.as_json then return document_of(values) end
  local lines = {}
  for i = 1, values.n do lines[i] = show.text(values[i]) end
  return values.n > 0 and table.concat(lines, "\n") or nil
end

--- Prints what came of a statement.
---@param outcome Outcome
function printer.outcome(outcome)
  if output.as_json then
    local document = outcome.error and error_document(outcome.error) or outcome.shown
    document.printed, printed = #printed > 0 and json.array(printed) or nil, {}
    output.value(document)
  elseif outcome.error then
    output.note("%s", printer.error_text(outcome.error))
  elseif outcome.shown then
    output.line("%s", outcome.shown)
  end
end

--- The word `print`.
function printer.print(...)
  local parts = {}
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    parts[i] = type(value) == "table" and show.text(value) or tostring(value)
  end
  local line = table.concat(parts, "\t")
  if output.as_json then printed[#printed + 1] = line else host.write(1, line .. "\n") end
end

return printer

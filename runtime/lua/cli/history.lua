-- A history for people: one line an event, with what matters of its attributes.

local converter = require "converter"
local json = require "json"
local output = require "cli.output"

local history = {}

local function name_of(event)
  local words = tostring(event.event_type):gsub("^EVENT_TYPE_", ""):lower()
  return (words:gsub("_(%l)", string.upper):gsub("^%l", string.upper))
end

local function attributes_of(event)
  for key, value in pairs(event) do
    if type(value) == "table" and key:sub(-17) == "_event_attributes" then return value end
  end
  return {}
end

local function payloads(value)
  if not value then return nil end
  local ok, decoded = pcall(function()
    local values, n = converter.decode_list(value)
    values.n = n
    return values
  end)
  if not ok then return "(cannot be decoded)" end
  local parts = {}
  for i = 1, decoded.n do parts[i] = output.brief(decoded[i] == nil and json.null or decoded[i], 100) end
  return table.concat(parts, ", ")
end

local function failure(value)
  local parts = {}
  while value do
    local info = value.application_failure_info
    parts[#parts + 1] = (info and info.type ~= "" and info.type and info.type .. ": " or "") .. (value.message or "")
    value = value.cause
  end
  return table.concat(parts, " <- ")
end

-- Attribute -> how it is shown, in this order; the first of a word wins.
local SHOWN = {
  { "workflow_type", function(v) return v.name end }, { "activity_type", function(v) return v.name end },
  { "activity_id" }, { "timer_id" }, { "marker_name" }, { "signal_name" }, { "attempt" }, { "identity" },
  { "start_to_fire_timeout", function(v) return v / 1000 .. " s" end },
  { "input", payloads }, { "result", payloads }, { "details", function(v) return type(v) == "table" and payloads(v) or tostring(v) end },
  { "failure", failure }, { "last_failure", failure }, { "cause", tostring }, { "reason" },
}
-- Shown only where they say something.
local ONLY = { identity = { WorkflowTaskCompleted = true, ActivityTaskStarted = true }, attempt = { ActivityTaskStarted = true } }

--- The line of one event: id, time, name, detail.
---@param event table  temporal.api.history.v1.HistoryEvent
---@return table row
function history.row(event)
  local name, attributes, parts = name_of(event), attributes_of(event), {}
  for _, shown in ipairs(SHOWN) do
    local key, show = shown[1], shown[2] or tostring
    local value = attributes[key]
    if value ~= nil and (not ONLY[key] or ONLY[key][name]) then
      local text = show(value)
      if text and text ~= "" then parts[#parts + 1] = key:gsub("_", " ") .. "=" .. output.brief(text, 160) end
    end
  end
  return { event.event_id, output.time(event.event_time), name, table.concat(parts, "  ") }
end

return history

-- Which code the open runs are on. The first workflow task of every run records it in its history, in the marker
-- `signalroom.bundle`, so the server alone knows it, whichever workers there are.

local client = require "client"
local converter = require "converter"
local rpc = require "rpc"

local FIRST_EVENTS = 20 -- the marker is behind the first completed task; signals may have come before it

local versions = {}

--- What an event says of the code that its run is on; nil when it is another event.
---@param event table  temporal.api.history.v1.HistoryEvent
---@return { entry: string, hash: string }?
function versions.pin(event)
  local marker = event.marker_recorded_event_attributes
  if not marker or marker.marker_name ~= "signalroom.bundle" then return nil end
  local ok, pin = pcall(converter.decode_first, (marker.details or {}).bundle)
  return ok and type(pin) == "table" and pin.hash and pin or nil
end

--- The beginning of a history, with room for the marker.
---@param execution { workflow_id: string, run_id: string }
---@return table[] events
function versions.first_events(execution)
  local reply = rpc.call("GetWorkflowExecutionHistory", { execution = execution, maximum_page_size = FIRST_EVENTS })
  return reply.history and reply.history.events or {}
end

--- The code that a run is on; nil when its history does not say: it is too new, or of another worker.
---@param execution { workflow_id: string, run_id: string }
---@return { entry: string, hash: string }?
function versions.of(execution)
  for _, event in ipairs(versions.first_events(execution)) do
    local pin = versions.pin(event)
    if pin then return pin end
  end
end

local function query_of(types)
  local query = "ExecutionStatus = 'Running'"
  if not types then return query end
  local quoted = {}
  for i, name in ipairs(types) do quoted[i] = "'" .. name:gsub("'", "''") .. "'" end
  return ("%s AND WorkflowType IN (%s)"):format(query, table.concat(quoted, ", "))
end

--- The open runs by the code that they are on.
---@param limit integer      at most so many runs are looked at, the newest
---@param types? string[]    only these workflow types
---@return { entry: string?, hash: string?, runs: integer, type: string }[] held  without a hash: not recorded
---@return { looked: integer, total: integer } coverage
function versions.open(limit, types)
  local query = query_of(types)
  local held, by_key, looked = {}, {}, 0
  for _, about in ipairs(client.list(query, limit)) do
    local name = about.type and about.type.name or ""
    local pin = versions.of(about.execution) or {}
    local key = (pin.hash or "") .. " " .. name
    if not by_key[key] then
      by_key[key] = { entry = pin.entry, hash = pin.hash, runs = 0, type = name }
      held[#held + 1] = by_key[key]
    end
    by_key[key].runs, looked = by_key[key].runs + 1, looked + 1
  end
  local total = looked < limit and looked or tonumber(rpc.call("CountWorkflowExecutions", { query = query }).count)
  return held, { looked = looked, total = math.max(total, looked) }
end

--- A hash as people see it.
---@param hash string
---@return string
function versions.short(hash)
  return hash:sub(1, 7)
end

return versions

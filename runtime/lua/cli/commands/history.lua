local client = require "client"
local history = require "cli.history"
local json = require "json"
local output = require "cli.output"

local LONGEST = 2000 -- characters of one value

local function since(ms)
  if ms < 60000 then return ("+%.3f s"):format(ms / 1000) end
  local s = math.floor(ms / 1000)
  return ("+%d:%02d:%02d"):format(math.floor(s / 3600), math.floor(s / 60) % 60, s % 60)
end

-- The events wanted, oldest first, and when the run began.
local function events_of(id, run_id, last)
  if not last then
    local events = client.history(id, run_id)
    return events, events[1] and events[1].event_time
  end
  local newest, events = client.newest(id, run_id, last), {}
  for i = #newest, 1, -1 do events[#events + 1] = newest[i] end
  return events, client.describe(id, run_id).workflow_execution_info.start_time
end

local function print_record(record, started)
  output.line("%4d  %-12s  %s", record.id, since(record.at - started), record.name)
  for _, field in ipairs(record.fields) do
    output.line("%4s  %-12s    %s: %s", "", "", field.name, output.brief(field.value, LONGEST))
  end
end

local function plain(record, started)
  local value = { event_id = record.id, time = output.time(record.at), seconds = (record.at - started) / 1000, event = record.name }
  for _, field in ipairs(record.fields) do value[field.name:gsub(" ", "_")] = field.value end
  return value
end

return {
  name = "history", usage = "history WORKFLOW_ID [--run-id ID] [--last N]", least = 1, connects = true, completes = "runs",
  about = "every event of a run, with values, errors and script lines",
  details = "Times count from the run's start. Values that are named like a secret (password, token, api_key) are masked; long ones\n"
    .. "are cut. For `signalroom replay` and the Temporal tools use `show --json`.",
  options = {
    { name = "run-id", value = "ID", about = "one run of it; the latest unless given" },
    { name = "last", value = "N", is = "count", about = "only the newest N events" },
  },
  run = function(given, rest)
    local events, started = events_of(rest[1], given.run_id, given.last)
    local list = {}
    for i, event in ipairs(events) do
      local record = history.record(event)
      if not output.as_json then print_record(record, started) end
      list[i] = plain(record, started)
    end
    output.value { workflow_id = rest[1], started = output.time(started), events = json.array(list) }
  end,
}

-- Schedules on the server, and what brings them to where the script wants them.
--
-- Ours carry the memo `signalroom.schedule`; nothing else is ever changed or deleted. The script's note is kept in the
-- memo of the runs too, because the server puts the reason of a pause where the schedule's note was. The cron text is the
-- calendar's comment: the server keeps calendars, not cron. Protocol: temporal.api.workflowservice.v1 CreateSchedule and kin.

local converter = require "converter"
local cron = require "schedule.cron"
local errors = require "errors"
local json = require "json"
local rpc = require "rpc"

local MARK, NOTE = "signalroom.schedule", "signalroom.note"

local server = {}

--- Whether the memo of a schedule says that it is ours.
---@param memo table?
---@return boolean
function server.ours(memo)
  return memo ~= nil and memo.fields ~= nil and memo.fields[MARK] ~= nil
end

--- The script's note of a schedule of ours; "" without one.
---@param schedule table  temporal.api.schedule.v1.Schedule
---@return string
function server.note(schedule)
  local start = schedule.action and schedule.action.start_workflow
  local payload = start and start.memo and start.memo.fields and start.memo.fields[NOTE]
  return payload and converter.decode(payload) or ""
end

local function input_of(definition)
  return converter.encode_list({ definition.input }, definition.input == nil and 0 or 1)
end

local function spec_of(definition)
  local calendar = cron.message(definition.calendar)
  calendar.comment = definition.cron
  return { structured_calendar = { calendar }, timezone_name = definition.tz }
end

local function action_of(definition)
  return { start_workflow = { workflow_id = definition.workflow_id, workflow_type = { name = definition.workflow },
    task_queue = { name = definition.queue }, input = input_of(definition),
    memo = { fields = { [NOTE] = converter.encode(definition.note) } } } }
end

--- The server's description; nil when there is no such schedule.
---@param id string
---@return table? description  temporal.api.workflowservice.v1.DescribeScheduleResponse
function server.describe(id)
  local ok, reply = pcall(rpc.call, "DescribeSchedule", { schedule_id = id })
  if ok then return reply end
  if errors.is(reply) and reply.type == "NotFoundError" then return nil end
  error(reply, 0)
end

--- Every schedule of the namespace, by id. The server's list may be a second late.
---@param options { once: number? }?  as of rpc.call
---@return table[] entries  temporal.api.schedule.v1.ScheduleListEntry
function server.list(options)
  local entries, token = {}, nil
  repeat
    local reply = rpc.call("ListSchedules", { maximum_page_size = 1000, next_page_token = token }, options)
    for _, entry in ipairs(reply.schedules or {}) do entries[#entries + 1] = entry end
    token = reply.next_page_token
  until not token or token == ""
  table.sort(entries, function(a, b) return a.schedule_id < b.schedule_id end)
  return entries
end

--- When a spec fires, in words: our cron text, or what it is made of.
---@param spec table?
---@return string
function server.timing(spec)
  local calendars, intervals = spec and spec.structured_calendar or {}, spec and spec.interval or {}
  local parts = {}
  for _, calendar in ipairs(calendars) do
    parts[#parts + 1] = calendar.comment and calendar.comment ~= "" and calendar.comment or "(calendar)"
  end
  for _, interval in ipairs(intervals) do parts[#parts + 1] = ("every %g s"):format((interval.interval or 0) / 1000) end
  return table.concat(parts, ", ")
end

--- The zone of a spec; UTC unless given.
function server.zone(spec)
  local name = spec and spec.timezone_name
  return name and name ~= "" and name or "UTC"
end

-- --- what differs ---

local function plain(input)
  local values, n = converter.decode_list(input)
  return n == 0 and "none" or json.encode(values[1] == nil and json.null or values[1])
end

-- Not by text: the server keeps calendars, and two texts may mean the same times.
local function same_times(spec, definition)
  local calendars = spec.structured_calendar or {}
  return #calendars == 1 and not spec.interval and not spec.exclude_structured_calendar
    and cron.equal(cron.from_message(calendars[1]), definition.calendar)
end

--- What the server has otherwise than the script, each as { what, from, to }; empty when nothing.
---@param found table  a description
---@param definition table
---@return table[] differences
function server.differences(found, definition)
  local schedule, list = found.schedule or {}, {}
  local spec, start = schedule.spec or {}, schedule.action and schedule.action.start_workflow or {}
  local function compare(what, from, to)
    if from ~= to then list[#list + 1] = { what = what, from = from, to = to } end
  end
  if not same_times(spec, definition) then list[1] = { what = "cron", from = server.timing(spec), to = definition.cron } end
  compare("tz", server.zone(spec), definition.tz)
  compare("overlap", schedule.policies and schedule.policies.overlap_policy, definition.overlap)
  compare("workflow", start.workflow_type and start.workflow_type.name, definition.workflow)
  compare("id", start.workflow_id, definition.workflow_id)
  compare("queue", start.task_queue and start.task_queue.name, definition.queue)
  compare("input", plain(start.input), plain(input_of(definition)))
  compare("note", server.note(schedule), definition.note)
  return list
end

-- --- changes ---

--- Makes a schedule that is not there.
function server.create(definition)
  rpc.call("CreateSchedule", { schedule_id = definition.id, memo = { fields = { [MARK] = converter.encode(true) } }, schedule = {
    spec = spec_of(definition), action = action_of(definition), policies = { overlap_policy = definition.overlap },
    state = { notes = definition.note, paused = definition.paused } } })
end

--- Changes one in place: it stays paused or not, and keeps its history. Refused with FailedPreconditionError when
--- somebody changed it since it was described.
---@param found table  the description that the change was decided on
---@param definition table
function server.update(found, definition)
  local schedule = found.schedule
  local state, policies = schedule.state or {}, schedule.policies or {}
  if not state.paused then state.notes = definition.note end
  policies.overlap_policy = definition.overlap
  rpc.call("UpdateSchedule", { schedule_id = definition.id, conflict_token = found.conflict_token, schedule = {
    spec = spec_of(definition), action = action_of(definition), policies = policies, state = state } })
end

--- Pauses, resumes or triggers: a temporal.api.schedule.v1.SchedulePatch.
function server.patch(id, patch)
  rpc.call("PatchSchedule", { schedule_id = id, patch = patch })
end

function server.delete(id)
  rpc.call("DeleteSchedule", { schedule_id = id })
end

return server

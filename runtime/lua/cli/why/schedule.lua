-- Schedules: paused, skipping starts, starting what fails, or simply waiting for the next time.

local client = require "client"
local converter = require "converter"
local output = require "cli.output"
local server = require "schedule.server"
local words = require "cli.why.words"

local BAD = { FAILED = true, TIMED_OUT = true, TERMINATED = true }

local function paused(facts)
  if not facts.state.paused then return nil end
  local note = facts.state.notes or ""
  return words.problem(("Schedule %s is paused%s."):format(facts.id, note ~= "" and ": " .. note or ""), nil,
    "signalroom schedules resume " .. facts.id)
end

local function exhausted(facts)
  if not (facts.state.limited_actions and (facts.state.remaining_actions or 0) == 0) then return nil end
  return words.problem(("Schedule %s has used up the starts that it was allowed."):format(facts.id), nil,
    "apply it anew: signalroom schedules delete " .. facts.id .. "; signalroom schedules apply")
end

local function broken(facts)
  local text = facts.info.invalid_schedule_error or ""
  if text == "" then return nil end
  return words.problem(("Schedule %s cannot be used: %s."):format(facts.id, text), nil,
    "correct scripts/workflows/schedules.lua, then signalroom schedules apply")
end

local function skipping(facts)
  local count, run = facts.info.overlap_skipped or 0, (facts.info.running_workflows or {})[1]
  if count == 0 or not run then return nil end
  return words.problem(("Schedule %s skipped %d starts, because run %s is still open."):format(facts.id, count, run.workflow_id), nil,
    "signalroom why " .. run.workflow_id)
end

local function status_of(run)
  local ok, described = pcall(client.describe, run.workflow_id, run.run_id)
  return ok and tostring(described.workflow_execution_info.status):gsub("^WORKFLOW_EXECUTION_STATUS_", "") or "?"
end

local function failing(facts)
  local actions, bad, newest = facts.info.recent_actions or {}, 0, nil
  for i = #actions, 1, -1 do
    local run = actions[i].start_workflow_result
    local status = run and status_of(run)
    if not BAD[status] then break end
    bad, newest = bad + 1, newest or run
  end
  if bad == 0 then return nil end
  return words.problem(("The last %s that schedule %s started failed."):format(bad == 1 and "run" or bad .. " runs", facts.id),
    { "the newest: " .. newest.workflow_id }, ("signalroom why %s --run-id %s"):format(newest.workflow_id, newest.run_id))
end

local function missed(facts)
  local count = facts.info.missed_catchup_window or 0
  if count == 0 then return nil end
  return words.problem(("Schedule %s missed %d starts: the server was down at their time."):format(facts.id, count), nil,
    "signalroom schedules trigger " .. facts.id)
end

local function next_start(facts)
  local at = (facts.info.future_action_times or {})[1]
  if not at then
    return words.problem(("Schedule %s has no next time."):format(facts.id), nil,
      "look at its cron: signalroom schedules show " .. facts.id)
  end
  return words.fine(("Schedule %s starts next in %s (%s)."):format(facts.id, words.span(at - facts.now), output.time(at)))
end

local CAUSES = { paused, exhausted, broken, skipping, failing, missed, next_start }

local function history(facts)
  local last = (facts.info.recent_actions or {})[#(facts.info.recent_actions or {})]
  local skipped = facts.info.overlap_skipped or 0
  return { ("%d starts so far, %d skipped%s"):format(facts.info.action_count or 0, skipped,
    last and ", the last at " .. output.time(last.actual_time) or "") }
end

local schedule = {}

--- Why a schedule stands where it stands; nil when there is none of that name.
---@param id string
---@param now number ms
---@return Cause?
function schedule.ask(id, now)
  local found = server.describe(id)
  if not found then return nil end
  local about = found.schedule or {}
  local facts = { id = id, now = now, state = about.state or {}, info = found.info or {} }
  for _, cause in ipairs(CAUSES) do
    local answer = cause(facts)
    if answer then
      for _, line in ipairs(history(facts)) do answer.evidence[#answer.evidence + 1] = line end
      return answer
    end
  end
end

--- What the schedule that started a run skipped because of it, in words; nil without.
---@param about table  temporal.api.workflow.v1.WorkflowExecutionInfo
---@return string?
function schedule.behind(about)
  local fields = about.search_attributes and about.search_attributes.indexed_fields or {}
  local payload = fields.TemporalScheduledById
  local id = payload and converter.decode(payload)
  local ok, found = pcall(server.describe, id or "")
  local count = id and ok and found and found.info and found.info.overlap_skipped or 0
  return count > 0 and ("schedule %s skipped %d starts because of open runs"):format(id, count) or nil
end

return schedule

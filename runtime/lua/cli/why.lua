-- Why a run stands where it stands: one sentence that names the cause, what shows it, and what to do.
--
-- It reads what the server knows (description, newest events, pollers of the queue) and asks no worker, so that it
-- answers while none is there. Causes in order: closed; workflow task failing or waiting; activities; children; timers.

local client = require "client"
local output = require "cli.output"
local rpc = require "rpc"

local NEWEST = 200     -- events looked at
local POLL_SECONDS = 90 -- a poll lasts a minute; a worker that did not ask again since is gone

local why = {}

-- --- words ---

local function span(ms)
  local s = math.max(0, math.floor(ms / 1000 + 0.5))
  if s < 120 then return s .. " s" end
  if s < 7200 then return ("%d min"):format(s / 60) end
  return ("%d h"):format(s / 3600)
end

local function failure_text(failure)
  local about = failure.application_failure_info
  local kind = about and about.type and about.type ~= "" and about.type .. ": " or ""
  return kind .. (failure.message or "")
end

local function chain(failure)
  local lines, deepest = {}, failure
  while failure do
    lines[#lines + 1] = ("%s%s"):format(#lines > 0 and "caused by " or "", output.brief(failure_text(failure), 400))
    deepest, failure = failure, failure.cause
  end
  return lines, deepest
end

local function answer(problem, sentence, evidence, fix)
  return { problem = problem, sentence = sentence, evidence = evidence, fix = fix }
end

-- --- the queue ---

-- Who polls a queue now, and when anybody last did.
local function pollers(facts, queue, kind)
  local reply = rpc.call("DescribeTaskQueue", { task_queue = { name = queue }, task_queue_type = "TASK_QUEUE_TYPE_" .. kind })
  local alive, last = 0, nil
  for _, poller in ipairs(reply.pollers or {}) do
    local at = poller.last_access_time or 0
    if facts.now - at < POLL_SECONDS * 1000 then alive = alive + 1 end
    if not last or at > last.last_access_time then last = poller end
  end
  return alive, last
end

-- nil when somebody polls.
local function no_worker(facts, queue, kind)
  local alive, last = pollers(facts, queue, kind)
  if alive > 0 then return nil end
  local seen = last and ("last seen %s, %s"):format(output.time(last.last_access_time), last.identity or "?") or "none was seen lately"
  return answer(true, ("No worker is polling %s for %s tasks (%s)."):format(queue, kind:lower(), seen), {},
    ("start one: signalroom worker --queue %s; or, if the queue is misspelt, start the run again on the right one"):format(queue))
end

-- --- causes ---

local BAD_END = { FAILED = true, TIMED_OUT = true, TERMINATED = true }

local function closed(facts)
  local status = tostring(facts.about.status):gsub("^WORKFLOW_EXECUTION_STATUS_", "")
  if status == "RUNNING" or status == "PAUSED" then return nil end
  local word = status:gsub("_", " "):lower():gsub("^%l", string.upper)
  local at = ("%s at %s"):format(word, output.time(facts.about.close_time))
  local last, lines, deepest = facts.events[1] or {}, {}, nil
  local failed = last.workflow_execution_failed_event_attributes
  local terminated = last.workflow_execution_terminated_event_attributes
  if failed and failed.failure then lines, deepest = chain(failed.failure) end
  local reason = deepest and failure_text(deepest) or terminated and terminated.reason
  local sentence = reason and reason ~= "" and ("%s: %s."):format(at, output.brief(reason, 400)) or at .. "."
  return answer(BAD_END[status] or false, sentence, lines, BAD_END[status] and "signalroom show " .. facts.id .. " has every step" or nil)
end

-- The newest failed or timed out workflow task, unless one was completed since.
local function broken_task(events)
  for _, event in ipairs(events) do
    if event.event_type == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED" then return nil end
    if event.workflow_task_failed_event_attributes or event.workflow_task_timed_out_event_attributes then return event end
  end
end

local function task_failing(facts, event)
  local failed, attempt = event.workflow_task_failed_event_attributes, facts.task.attempt or 1
  local evidence = { ("event %s at %s, now at attempt %d"):format(event.event_id, output.time(event.event_time), attempt) }
  if not failed then
    return answer(true, "A worker took the workflow task and did not answer in time.", evidence,
      "look at the worker's log: it is blocked, was killed, or lost its connection")
  end
  local text = failed.failure and failure_text(failed.failure) or tostring(failed.cause)
  if failed.cause == "WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR" then
    return answer(true, ("The script no longer does what the history says: %s."):format(output.brief(text, 400)), evidence,
      ("put the old script back, or see the difference: signalroom show %s --json > h.json; signalroom replay h.json"):format(facts.id))
  end
  return answer(true, ("The workflow's script fails: %s."):format(output.brief(text, 400)), evidence,
    "mend the script and restart the worker; the run goes on by itself")
end

local function workflow_task(facts)
  if not facts.task then return nil end
  local event = broken_task(facts.events)
  if event then return no_worker(facts, facts.queue, "WORKFLOW") or task_failing(facts, event) end
  if tostring(facts.task.state):find("STARTED", 1, true) then
    return answer(false, ("A worker is busy with the workflow's script since %s."):format(output.time(facts.task.started_time)), {})
  end
  return no_worker(facts, facts.queue, "WORKFLOW") or answer(false, ("The next workflow task waits for a worker since %s."):format(
    span(facts.now - (facts.task.scheduled_time or facts.now))), {})
end

local function of_limit(activity)
  local most = activity.maximum_attempts or 0
  return most > 0 and (" of %d"):format(most) or ""
end

local function retrying(facts, activity)
  local lines = chain(activity.last_failure)
  local failed, next_at = (activity.attempt or 1) - 1, activity.next_attempt_schedule_time
  local when = next_at and ("next try in %s (%s)"):format(span(next_at - facts.now), output.time(next_at)) or "next try at once"
  return answer(true, ("%s failed %d%s times, last: %s; %s."):format(activity.activity_type.name, failed, of_limit(activity),
    output.brief(failure_text(select(2, chain(activity.last_failure))), 400), when), lines,
    "mend the cause; the next try then succeeds by itself")
end

local function running(facts, activity)
  local name, worker = activity.activity_type.name, activity.last_worker_identity or "?"
  local since = activity.last_started_time or facts.now
  local beat = math.max(activity.last_heartbeat_time or 0, since)
  local limit = activity.activity_options and activity.activity_options.heartbeat_timeout or 0
  local evidence = { ("attempt %d%s on %s"):format(activity.attempt or 1, of_limit(activity), worker) }
  if activity.last_failure then evidence[2] = "the attempt before: " .. output.brief(failure_text(activity.last_failure), 400) end
  if limit > 0 and facts.now - beat > limit then
    return answer(true, ("No heartbeat of %s for %s (limit %s): %s is gone or blocked."):format(name, span(facts.now - beat), span(limit),
      worker), evidence, "look at that worker; the server starts the activity anew by itself")
  end
  return answer(false, ("%s is running for %s, last sign of life %s ago."):format(name, span(facts.now - since), span(facts.now - beat)),
    evidence)
end

local function of_activity(facts, activity)
  local name = activity.activity_type.name
  if activity.paused then
    return answer(true, ("%s is paused since %s."):format(name, output.time(activity.pause_info and activity.pause_info.pause_time)), {},
      ("temporal activity unpause --workflow-id %s --activity-id %s"):format(facts.id, activity.activity_id))
  end
  if not tostring(activity.state):find("SCHEDULED", 1, true) then return running(facts, activity) end
  if activity.last_failure and (activity.next_attempt_schedule_time or 0) > facts.now then return retrying(facts, activity) end
  local options = activity.activity_options
  local queue = options and options.task_queue and options.task_queue.name or facts.queue
  return no_worker(facts, queue, "ACTIVITY") or activity.last_failure and retrying(facts, activity)
    or answer(false, ("%s waits for a free worker for %s."):format(name, span(facts.now - (activity.scheduled_time or facts.now))), {})
end

-- The first activity with a problem; without one the first of all.
local function activities(facts)
  local first
  for _, activity in ipairs(facts.described.pending_activities or {}) do
    local found = of_activity(facts, activity)
    if found.problem then return found end
    first = first or found
  end
  return first
end

local function children(facts)
  local child = (facts.described.pending_children or {})[1]
  return child and answer(false, ("Waits for the child workflow %s."):format(child.workflow_id), {}, "signalroom why " .. child.workflow_id)
end

local function waiting(facts)
  local over, next_at = {}, nil
  for _, event in ipairs(facts.events) do
    local ended = event.timer_fired_event_attributes or event.timer_canceled_event_attributes
    local started = event.timer_started_event_attributes
    if ended then over[ended.timer_id] = true end
    if started and not over[started.timer_id] then
      local at = event.event_time + (started.start_to_fire_timeout or 0)
      next_at = math.min(next_at or at, at)
    end
  end
  if not next_at then
    return answer(false, "Waits for a signal: no activity, child workflow or timer is open.", {},
      ("signalroom signal %s NAME"):format(facts.id))
  end
  return answer(false, ("Waits for a timer that fires in %s (%s), or for a signal before it."):format(span(next_at - facts.now),
    output.time(next_at)), {})
end

--- Finds the cause.
---@param id string
---@param run_id string?
---@return { problem: boolean, sentence: string, evidence: string[], fix: string? } answer
---@return table facts
function why.ask(id, run_id)
  local described = client.describe(id, run_id)
  local about = described.workflow_execution_info
  local facts = { id = id, now = os.time() * 1000, described = described, about = about, task = described.pending_workflow_task,
    queue = about.task_queue or described.execution_config and described.execution_config.task_queue.name,
    events = client.newest(id, about.execution.run_id, NEWEST) }
  local found = closed(facts) or workflow_task(facts) or activities(facts) or children(facts) or waiting(facts)
  return found, facts
end

return why

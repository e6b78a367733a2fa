-- Workflow tasks: a script that fails or does not answer, and nobody to run it.

local output = require "cli.output"
local queues = require "cli.why.queues"
local unknown = require "cli.why.unknown"
local words = require "cli.why.words"

-- The newest failed or timed out workflow task, unless one was completed since.
local function broken(facts)
  for _, event in ipairs(facts.events) do
    if event.event_type == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED" then return nil end
    local late = event.workflow_task_timed_out_event_attributes
    if late and not tostring(late.timeout_type):find "SCHEDULE_TO_START" then return event end -- that is a worker's cache which is gone
    if event.workflow_task_failed_event_attributes then return event end
  end
end

local function shown_by(facts, event)
  return { ("event %s at %s, now at attempt %d"):format(event.event_id, output.time(event.event_time), facts.task.attempt or 1) }
end

local NONDETERMINISM, UNHANDLED = "NON_DETERMINISTIC_ERROR", "UNHANDLED_COMMAND"

-- What the server or the worker refused, by WorkflowTaskFailedCause: the sentence, what to do.
local REFUSED = {
  GRPC_MESSAGE_TOO_LARGE = { "What the script did at once is too large for one message", "do less at a time, pass smaller values" },
  PAYLOADS_TOO_LARGE = { "A value of the script is larger than the namespace allows", "store it and pass its name instead" },
  REQUEST_TOO_LARGE = { "What the script did at once is too large for one message", "do less at a time, pass smaller values" },
  PENDING_ACTIVITIES_LIMIT_EXCEEDED = { "The script has too many activities open at once", "start fewer at a time" },
  PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED = { "The script has too many child workflows open at once", "start fewer at a time" },
  PENDING_SIGNALS_LIMIT_EXCEEDED = { "The script has too many signals on their way", "send fewer at a time" },
  BAD_SEARCH_ATTRIBUTES = { "The server does not take the script's search attributes", "register them with the namespace" },
}

local function bundle_missing(facts, _, text, event)
  if not text:find "^BundleUnavailable: " then return nil end
  return words.problem(("The script that the run began with cannot be had: %s."):format(output.brief(text, 400)), shown_by(facts, event),
    "bring the script back as it was (git checkout), or terminate the run and start it anew")
end

local function nondeterminism(facts, cause, text, event)
  if cause ~= NONDETERMINISM then return nil end
  return words.problem(("The script no longer does what the history says: %s."):format(output.brief(text, 400)), shown_by(facts, event),
    ("put the old script back, or see the difference: signalroom show %s --json > h.json; signalroom replay h.json"):format(facts.id))
end

local function refused(facts, cause, text, event)
  local row = REFUSED[cause]
  return row and words.problem(("%s: %s."):format(row[1], output.brief(text, 400)), shown_by(facts, event), row[2])
end

-- A run keeps the code that its first completed task ran.
local function keeps_its_code(facts)
  for _, event in ipairs(facts.events) do
    if event.event_type == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED" then return true end
  end
end

local function script_error(facts, _, text, event)
  local cure = "mend the script; the run goes on by itself once a worker has it"
  if keeps_its_code(facts) then
    cure = "mend the script; this run keeps the code it began with, so begin it again on the new one (its activities run again): "
      .. ("temporal workflow reset --workflow-id %s --type FirstWorkflowTask --reason mended"):format(facts.id)
  end
  return words.problem(("The workflow's script fails: %s."):format(output.brief(text, 400)), shown_by(facts, event), cure)
end

local function task_failed(facts, event)
  local attributes = event.workflow_task_failed_event_attributes
  if not attributes then return nil end
  local cause = tostring(attributes.cause):gsub("^WORKFLOW_TASK_FAILED_CAUSE_", "")
  if cause == UNHANDLED then return nil end -- something came in meanwhile; the task is simply done again
  local misnamed = attributes.failure and unknown.workflow(attributes.failure, facts.id)
  local text = attributes.failure and words.failure(attributes.failure) or words.of_enum(cause, "")
  if misnamed then return misnamed end
  return bundle_missing(facts, cause, text, event) or nondeterminism(facts, cause, text, event) or refused(facts, cause, text, event)
    or script_error(facts, cause, text, event)
end

local function task_late(facts, event)
  if not event.workflow_task_timed_out_event_attributes then return nil end
  return words.problem("A worker took the workflow task and did not answer in time.", shown_by(facts, event),
    "look at the worker's log: it is blocked, was killed, or lost its connection")
end

local function failing(facts)
  local event = facts.task and broken(facts)
  return event and (queues.unpolled(facts, facts.queue, "WORKFLOW") or task_failed(facts, event) or task_late(facts, event))
end

local function busy(facts)
  if not (facts.task and tostring(facts.task.state):find("STARTED", 1, true)) then return nil end
  return words.fine(("A worker is busy with the workflow's script since %s."):format(output.time(facts.task.started_time)))
end

local function paused(facts)
  if facts.status ~= "PAUSED" then return nil end
  local about = (facts.described.workflow_extended_info or {}).pause_info or {}
  local reason = about.reason and about.reason ~= "" and ": " .. about.reason or ""
  return words.problem(("The run is paused since %s by %s%s."):format(output.time(about.paused_time), about.identity or "?", reason), nil,
    ("temporal workflow unpause --workflow-id %s"):format(facts.id))
end

local function delayed(facts)
  local at = facts.about.execution_time or 0
  if at <= facts.now or at <= (facts.about.start_time or 0) then return nil end
  return words.fine(("Starts in %s (%s), as whoever started it asked."):format(words.span(at - facts.now), output.time(at)))
end

local function waiting(facts)
  if not facts.task then return nil end
  return queues.unpolled(facts, facts.queue, "WORKFLOW")
    or queues.waiting(facts, facts.queue, "WORKFLOW", "The next workflow task", facts.task.scheduled_time)
end

return { paused, delayed, failing, busy, waiting }

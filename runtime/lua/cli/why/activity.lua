-- Activities that are open: at work, silent, failing, waiting for a worker, paused.

local output = require "cli.output"
local progress = require "cli.why.progress"
local queues = require "cli.why.queues"
local remedies = require "cli.why.remedies"
local unknown = require "cli.why.unknown"
local words = require "cli.why.words"

local function options_of(activity)
  return activity.activity_options or {}
end

local function of_limit(activity)
  local most = activity.maximum_attempts or 0
  return most > 0 and (" of %d"):format(most) or ""
end

local function is_last(activity)
  return (activity.maximum_attempts or 0) > 0 and (activity.attempt or 1) >= activity.maximum_attempts
end

local function queue_of(facts, activity)
  local queue = options_of(activity).task_queue
  return queue and queue.name or facts.queue
end

local function state_is(activity, word)
  return tostring(activity.state):find(word, 1, true) ~= nil
end

local function paused(facts, activity)
  if not activity.paused then return nil end
  local about = activity.pause_info or {}
  local by = about.manual or about.rule or {}
  return words.problem(("%s is paused since %s%s%s."):format(activity.activity_type.name, output.time(about.pause_time),
    by.identity and " by " .. by.identity or "", by.reason and by.reason ~= "" and ": " .. by.reason or ""), nil,
    ("temporal activity unpause --workflow-id %s --activity-id %s"):format(facts.id, activity.activity_id))
end

local function misnamed(_, activity)
  local found = activity.last_failure and unknown.activity(activity.last_failure)
  if not found then return nil end
  found.evidence[2] = ("attempt %d%s"):format(activity.attempt or 1, of_limit(activity))
  return found
end

-- --- under way ---

-- When the server gives a silent activity to another worker; nil without a heartbeat timeout.
local function deadline(activity)
  local limit = options_of(activity).heartbeat_timeout or 0
  local beat = math.max(activity.last_heartbeat_time or 0, activity.last_started_time or 0)
  return limit > 0 and beat + limit or nil, limit, beat
end

local function silent(facts, activity)
  local due, limit, beat = deadline(activity)
  if not (due and facts.now > due) then return nil end
  return words.problem(("No heartbeat of %s for %s (limit %s): %s is gone or blocked; the server starts it anew at %s."):format(
    activity.activity_type.name, words.span(facts.now - beat), words.span(limit), activity.last_worker_identity or "its worker",
    output.time(due)), nil, "look at that worker; the server starts the activity anew by itself")
end

local function evidence_of(activity)
  local lines = { ("attempt %d%s on %s"):format(activity.attempt or 1, of_limit(activity), activity.last_worker_identity or "?") }
  if activity.last_failure then lines[2] = "the attempt before: " .. words.failure(select(2, words.chain(activity.last_failure))) end
  return lines
end

local function last_attempt(facts, activity)
  if not (is_last(activity) and activity.last_failure) then return nil end
  return words.problem(("%s is at its last attempt (%d%s), for %s; after it the run fails and alerts. The one before: %s."):format(
    activity.activity_type.name, activity.attempt, of_limit(activity), words.span(facts.now - (activity.last_started_time or facts.now)),
    words.failure(select(2, words.chain(activity.last_failure)))), evidence_of(activity), remedies(activity.last_failure))
end

local function working(facts, activity)
  local since = activity.last_started_time or facts.now
  local _, _, beat = deadline(activity)
  local text = progress(activity, facts.now - since)
  return words.fine(("%s is running for %s%s, last sign of life %s ago."):format(activity.activity_type.name,
    words.span(facts.now - since), text, words.span(facts.now - beat)), evidence_of(activity))
end

local function started(facts, activity)
  if state_is(activity, "SCHEDULED") then return nil end
  return silent(facts, activity) or last_attempt(facts, activity) or working(facts, activity)
end

-- --- between attempts ---

local function retrying(facts, activity)
  if not activity.last_failure then return nil end
  local lines, deepest = words.chain(activity.last_failure)
  local failed, next_at = (activity.attempt or 1) - 1, activity.next_attempt_schedule_time or 0
  local when = next_at > facts.now and ("next try in %s (%s)"):format(words.span(next_at - facts.now), output.time(next_at))
    or "next try at once"
  if is_last(activity) then when = when .. ", the last one: after it the run fails and alerts" end
  if activity.expiration_time and activity.expiration_time > 0 then
    lines[#lines + 1] = "out of time at " .. output.time(activity.expiration_time)
  end
  local line = words.line_of(deepest)
  if line then lines[#lines + 1] = "raised at " .. line end
  return words.problem(("%s failed %d%s times, last: %s; %s."):format(activity.activity_type.name, failed, of_limit(activity),
    words.failure(deepest), when), lines, remedies(deepest) or "mend the cause; the next try then succeeds by itself")
end

local function backing_off(facts, activity)
  return (activity.next_attempt_schedule_time or 0) > facts.now and retrying(facts, activity) or nil
end

local function unpolled(facts, activity)
  return queues.unpolled(facts, queue_of(facts, activity), "ACTIVITY")
end

local function waiting(facts, activity)
  return queues.waiting(facts, queue_of(facts, activity), "ACTIVITY", activity.activity_type.name, activity.scheduled_time)
end

local CAUSES = { paused, misnamed, started, backing_off, unpolled, retrying, waiting }

local function cause_of(facts, activity)
  for _, cause in ipairs(CAUSES) do
    local found = cause(facts, activity)
    if found then return found end
  end
end

-- The first activity with a problem; without one the first of all. The others are evidence.
local function activities(facts)
  local list, chosen = {}, nil
  for i, activity in ipairs(facts.described.pending_activities or {}) do
    list[i] = cause_of(facts, activity)
    if not chosen or list[i].problem and not chosen.problem then chosen = list[i] end
  end
  for _, found in ipairs(list) do
    if found ~= chosen then chosen.evidence[#chosen.evidence + 1] = "also: " .. found.sentence end
  end
  return chosen
end

return { activities }

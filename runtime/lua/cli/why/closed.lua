-- Runs that have ended: how, and the first cause of it.

local converter = require "converter"
local json = require "json"
local output = require "cli.output"
local remedies = require "cli.why.remedies"
local unknown = require "cli.why.unknown"
local words = require "cli.why.words"

local function when(facts)
  local word = words.of_enum(facts.status, ""):gsub("^%l", string.upper)
  return ("%s at %s"):format(word, output.time(facts.about.close_time))
end

local function ended_by(facts, field)
  return (facts.events[1] or {})["workflow_execution_" .. field .. "_event_attributes"]
end

local function steps(facts)
  return ("signalroom history %s has every step"):format(facts.id)
end

-- The old system's way to fail: a result that says so.
local function failed_result(facts)
  local completed = facts.status == "COMPLETED" and ended_by(facts, "completed")
  local ok, result = pcall(converter.decode_first, completed and completed.result)
  if not (completed and ok and type(result) == "table" and result.success == false) then return nil end
  local text = result.error_message ~= json.null and result.error_message or "success is false"
  return words.problem(("%s, but its result says that it failed: %s."):format(when(facts), output.brief(text, 400)), nil, steps(facts))
end

-- Which attempt of which activity, in front of what it raised.
local function told(failure, deepest)
  local activity = failure
  while activity and not activity.activity_failure_info do activity = activity.cause end
  if not activity or activity == deepest then return words.failure(deepest) end
  return ("%s: %s"):format(words.failure(activity), words.failure(deepest))
end

local function failed(facts)
  local attributes = facts.status == "FAILED" and ended_by(facts, "failed")
  local failure = attributes and attributes.failure
  if not failure then return nil end
  local lines, deepest = words.chain(failure)
  local misnamed = unknown.activity(deepest)
  if misnamed then
    misnamed.evidence = lines
    return misnamed
  end
  local line = words.line_of(deepest)
  if line then lines[#lines + 1] = "raised at " .. line end
  return words.problem(("%s: %s."):format(when(facts), told(failure, deepest)), lines, remedies(deepest) or steps(facts))
end

local function timed_out(facts)
  if facts.status ~= "TIMED_OUT" then return nil end
  local config = facts.described.execution_config or {}
  local limit = config.workflow_run_timeout or 0
  return words.problem(("%s: the run took longer than it may%s."):format(when(facts), limit > 0 and ", " .. words.span(limit) or ""), nil,
    "start it again with a longer timeout, or with less to do; " .. steps(facts))
end

local function terminated(facts)
  local attributes = facts.status == "TERMINATED" and ended_by(facts, "terminated")
  if not attributes then return nil end
  local reason = attributes.reason or ""
  return words.problem(("%s by %s%s."):format(when(facts), attributes.identity or "?", reason ~= "" and ": " .. reason or ""), nil,
    "whoever did it knows why; " .. steps(facts))
end

local function otherwise(facts)
  if facts.open then return nil end
  return words.fine(when(facts) .. ".")
end

return { failed_result, failed, timed_out, terminated, otherwise }

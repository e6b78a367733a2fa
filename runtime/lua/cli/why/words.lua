-- What all causes share: answers, lengths of time, and failures in words.

local output = require "cli.output"

local LONGEST = 400

local words = {}

---@class Cause
---@field problem boolean      whether somebody should do something
---@field sentence string      the cause
---@field evidence string[]    what shows it
---@field fix string?          what to do

--- A cause that wants somebody's hand.
---@param sentence string
---@param evidence string[]?
---@param fix string?
---@return Cause
function words.problem(sentence, evidence, fix)
  return { problem = true, sentence = sentence, evidence = evidence or {}, fix = fix }
end

--- All is well: what the run does or waits for.
---@return Cause
function words.fine(sentence, evidence, fix)
  return { problem = false, sentence = sentence, evidence = evidence or {}, fix = fix }
end

--- A length of time: "8 s", "12 min", "3 h", "5 days".
---@param ms number
---@return string
function words.span(ms)
  local s = math.max(0, math.floor(ms / 1000 + 0.5))
  if s < 120 then return s .. " s" end
  if s < 7200 then return ("%d min"):format(s / 60) end
  return s < 172800 and ("%d h"):format(s / 3600) or ("%d days"):format(s / 86400)
end

--- An enum without its prefix, in small letters: "maximum attempts reached".
---@param value string?
---@param prefix string
---@return string
function words.of_enum(value, prefix)
  return (tostring(value or ""):gsub("^" .. prefix, ""):gsub("_", " "):lower())
end

local TIMEOUTS = {
  START_TO_CLOSE = "an attempt took longer than start_to_close allows",
  HEARTBEAT = "no heartbeat in time: its worker is gone or blocked",
  SCHEDULE_TO_START = "no worker took it within schedule_to_start",
  SCHEDULE_TO_CLOSE = "its attempts together took longer than schedule_to_close allows",
}

local ENDED = { MAXIMUM_ATTEMPTS_REACHED = "after its last attempt", NON_RETRYABLE_FAILURE = "which is not worth a retry",
  TIMEOUT = "out of time", CANCEL_REQUESTED = "cancelled" }

-- The kind of timeout that a failure is: "HEARTBEAT"; nil when it is none.
local function timeout_of(failure)
  local about = failure.timeout_failure_info
  return about and tostring(about.timeout_type):gsub("^TIMEOUT_TYPE_", "")
end

--- One failure without its causes: "VendorError: 503 Service Unavailable".
---@param failure table  temporal.api.failure.v1.Failure
---@return string
function words.failure(failure)
  local activity, about = failure.activity_failure_info, failure.application_failure_info
  local kind = timeout_of(failure)
  local text = failure.message or ""
  if kind then
    text = "TimeoutError: " .. (TIMEOUTS[kind] or text)
  elseif activity then
    local how = ENDED[tostring(activity.retry_state):gsub("^RETRY_STATE_", "")]
    text = ("%s failed%s"):format(activity.activity_type and activity.activity_type.name or "an activity", how and ", " .. how or "")
  elseif about and about.type and about.type ~= "" then
    text = about.type .. ": " .. text
  end
  return (output.brief(text, LONGEST):gsub("%.$", ""))
end

--- A failure with its causes, a line each, and the deepest of them.
---@param failure table
---@return string[] lines
---@return table deepest
function words.chain(failure)
  local lines, deepest = {}, failure
  while failure do
    lines[#lines + 1] = (#lines > 0 and "caused by " or "") .. words.failure(failure)
    deepest, failure = failure, failure.cause
  end
  return lines, deepest
end

--- The type of a failure, as scripts raise it: "AuthError".
---@return string
function words.type_of(failure)
  if failure.timeout_failure_info then return "TimeoutError" end
  return failure.application_failure_info and failure.application_failure_info.type or ""
end

--- The script's line where a failure was raised: "workflows/sync.lua:12"; nil when it is not known.
---@return string?
function words.line_of(failure)
  return (failure.stack_trace or ""):match "%S+%.lua:%d+" or (failure.message or ""):match "%S+%.lua:%d+"
end

return words

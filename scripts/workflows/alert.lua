-- Tells those who run SignalRoom what happened. An alert that cannot be sent changes nothing for who raised it.
--
--   alert.failed("everflow", alert.class(err), "Pipeline failed: %s", name)   once until it recovers, however often it fails
--   alert.recovered("everflow", troubles)                                     says so when a failure was told
--   alert.news("everflow", "Pipeline completed: %s", name)                    every time

local RETRY = require "workflows.retry"

local alert = {}

local OPTIONS = { start_to_close = "30s", retry = RETRY }

local function reason_of(err)
  return (err.cause or err).message
end

local function tell(letter)
  local ok, problem = pcall(workflow.call, "alert_activity", letter, OPTIONS)
  if ok then return end
  letter.reason = reason_of(problem)
  if letter.recovered then return workflow.log_warning("Recovery untold: %s\nReason: %s", letter.subject, letter.reason) end
  local other, outcome = pcall(workflow.call, "alert_fallback_activity", letter, OPTIONS)
  if other and outcome ~= "undelivered" then return end
  workflow.log_warning("Alert undelivered: %s\nReason: %s", letter.text, letter.reason)
end

--- The class of an error: two failures of one class are one trouble.
---@param err table
---@return string
function alert.class(err)
  local cause = err.cause or err
  return cause.timeout_type and ("%s %s"):format(cause.type, cause.timeout_type) or cause.type
end

--- A failure.
---@param subject string what failed
---@param class string
---@param format string
function alert.failed(subject, class, format, ...)
  tell { subject = subject, class = class, text = format:format(...) }
end

--- A success: the end of all failures of the subject, if it is among the troubles.
---@param subject string
---@param troubles string[]? what the activity found open
function alert.recovered(subject, troubles)
  for _, trouble in ipairs(troubles or {}) do
    if trouble == subject then tell { subject = subject, recovered = true } end
  end
end

--- What somebody asked to be told.
---@param subject string
---@param format string
function alert.news(subject, format, ...)
  tell { subject = subject, text = format:format(...) }
end

return alert

-- alert(format, ...): tells people, by Slack. An alert that cannot be sent is logged, and changes nothing else.

local RETRY = require "workflows.retry"

return function(format, ...)
  local text = format:format(...)
  local ok, outcome = pcall(workflow.call, "send_notification_activity", nil,
    { args = { n = 3, "slack", text }, start_to_close = "30s", retry = RETRY })
  if ok and outcome then return end
  local reason = ok and "the channel is optional and has no token" or (outcome.cause or outcome).message
  workflow.log_warning("Alert undelivered: %s\nReason: %s", text, reason)
end

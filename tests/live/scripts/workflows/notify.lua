-- One message, as a workflow of its own.

local RETRY = { initial = "200ms", attempts = 5, never = { "ValueError", "KeyError" } }

workflow "Notify" {
  run = function(input)
    return workflow.call("send_notification_activity", nil,
      { args = { n = 3, input.channel, input.message, input.recipient }, start_to_close = input.timeout or "30s", retry = RETRY })
  end,
}

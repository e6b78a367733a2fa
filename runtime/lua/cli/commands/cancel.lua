local client = require "client"
local output = require "cli.output"

return {
  name = "cancel", usage = "cancel WORKFLOW_ID [--reason TEXT]", least = 1, connects = true, completes = "runs",
  about = "ask a running workflow to cancel",
  options = {
    { name = "reason", value = "TEXT", about = "why; it is in the history" },
    { name = "run-id", value = "ID", about = "one run of it; the current one unless given" },
  },
  run = function(given, rest)
    client.cancel(rest[1], given.run_id, given.reason)
    output.line("Cancellation requested: %s", rest[1])
    output.value { workflow_id = rest[1], requested = true }
  end,
}

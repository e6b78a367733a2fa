local client = require "client"
local output = require "cli.output"

return {
  name = "terminate", usage = "terminate WORKFLOW_ID [--reason TEXT]", least = 1, connects = true, completes = "runs",
  about = "end a running workflow at once",
  details = "The workflow gets no chance to clean up; `signalroom cancel` asks it to end by itself.",
  options = {
    { name = "reason", value = "TEXT", about = "why; it is in the history" },
    { name = "run-id", value = "ID", about = "one run of it; the current one unless given" },
  },
  run = function(given, rest)
    client.terminate(rest[1], given.run_id, given.reason)
    output.line("Terminated: %s", rest[1])
    output.value { workflow_id = rest[1], terminated = true }
  end,
}

local arguments = require "cli.arguments"
local client = require "client"
local output = require "cli.output"

return {
  name = "signal", usage = "signal WORKFLOW_ID NAME [--input JSON]", least = 2, connects = true, completes = "runs",
  about = "send a signal to a running workflow",
  options = {
    { name = "input", short = "i", value = "JSON", about = "its one argument; @FILE or - reads it from there" },
    { name = "run-id", value = "ID", about = "one run of it; the current one unless given" },
  },
  run = function(given, rest)
    client.signal(rest[1], rest[2], arguments.list(given.input), given.run_id)
    output.line("Signalled %s: %s", rest[1], rest[2])
    output.value { workflow_id = rest[1], signal = rest[2] }
  end,
}

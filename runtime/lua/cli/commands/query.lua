local arguments = require "cli.arguments"
local client = require "client"
local json = require "json"
local output = require "cli.output"

return {
  name = "query", usage = "query WORKFLOW_ID NAME [--input JSON]", least = 2, connects = true, completes = "runs",
  about = "ask a workflow, running or closed",
  options = {
    { name = "input", short = "i", value = "JSON", about = "its one argument; @FILE or - reads it from there" },
    { name = "run-id", value = "ID", about = "one run of it; the latest unless given" },
  },
  run = function(given, rest)
    local answer = client.query(rest[1], rest[2], arguments.list(given.input), given.run_id)
    if answer == nil then answer = json.null end
    output.line("%s", type(answer) == "string" and answer or json.encode(answer))
    output.value { workflow_id = rest[1], query = rest[2], answer = answer }
  end,
}

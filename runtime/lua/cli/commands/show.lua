local client = require "client"
local history = require "cli.history"
local host = require "cli.host"
local output = require "cli.output"

return {
  name = "show", usage = "show WORKFLOW_ID [--run-id ID]", least = 1, connects = true, completes = "runs",
  about = "the history of a run; with --json as `signalroom replay` and the Temporal tools read it",
  options = { { name = "run-id", value = "ID", about = "one run of it; the latest unless given" } },
  run = function(given, rest)
    local events = client.history(rest[1], given.run_id)
    if output.as_json then
      host.write(1, host.history_json(events) .. "\n")
      return
    end
    local rows = {}
    for i, event in ipairs(events) do rows[i] = history.row(event) end
    output.table({ "ID", "TIME", "EVENT", "DETAIL" }, rows)
  end,
}

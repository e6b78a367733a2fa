local runs = require "cli.runs"

return {
  name = "result", usage = "result WORKFLOW_ID [--run-id ID]", least = 1, connects = true, completes = "runs",
  about = "wait for a run and print what it returned",
  options = { { name = "run-id", value = "ID", about = "one run of it; the latest unless given" } },
  run = function(given, rest)
    return runs.wait(rest[1], given.run_id)
  end,
}

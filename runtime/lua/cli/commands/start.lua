local arguments = require "cli.arguments"
local client = require "client"
local crypto = require "native.crypto"
local output = require "cli.output"
local runs = require "cli.runs"

return {
  name = "start", usage = "start WORKFLOW [--input JSON] [--id ID] [-w]", least = 1, connects = true, completes = "workflows",
  about = "start any workflow",
  options = {
    { name = "input", short = "i", value = "JSON", about = "its one argument; @FILE or - reads it from there" },
    { name = "id", value = "ID", about = "workflow id; a new one unless given" },
    { name = "queue", short = "q", value = "NAME", about = "task queue (TEMPORAL_TASK_QUEUE); api-tasks unless given" },
    { name = "timeout", value = "DURATION", is = "duration", about = "of the whole run, such as 2h" },
    { name = "wait", short = "w", about = "wait for the result" },
  },
  run = function(given, rest)
    local id = given.id or rest[1] .. "-" .. crypto.uuid()
    local run_id = client.start(rest[1], nil, { id = id, args = arguments.list(given.input), task_queue = given.queue,
      timeout = given.timeout })
    runs.announce(id, run_id)
    if given.wait then
      runs.warn_unserved(given.queue)
      return runs.wait(id, run_id)
    end
    output.value { workflow_id = id, run_id = run_id, link = runs.link(id, run_id) }
  end,
}

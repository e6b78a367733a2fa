local arguments = require "cli.arguments"
local output = require "cli.output"
local runs = require "cli.runs"

return {
  name = "trigger", usage = "trigger SOURCE [-w] [-r RESOURCE...] [--client NAME]", least = 1, connects = true, completes = "sources",
  about = "sync a source now",
  details = "Starts SyncSourceWorkflow with the id sync-SOURCE-manual (sync-SOURCE-CLIENT-manual for a client that is named).\n"
    .. "While that runs, a second trigger is refused; with -w it waits for the one that runs.",
  options = {
    { name = "wait", short = "w", about = "wait for the result; exit 1 when the sync failed" },
    { name = "resources", short = "r", value = "NAME...", many = true, about = "only these resources of the source" },
    { name = "client", value = "NAME", about = "whose numbers; those of the source's own client unless given" },
    { name = "kwargs", value = "JSON", about = "arguments for the source, an object" },
    { name = "queue", short = "q", value = "NAME", about = "task queue (TEMPORAL_TASK_QUEUE); api-tasks unless given" },
    { name = "notify", about = "also notify when it succeeds" },
  },
  run = function(given, rest)
    local id, run_id, is_new, problem = runs.sync(rest[1], { kwargs = arguments.input(given.kwargs), resources = given.resources,
      client = given.client, queue = given.queue, notify = given.notify })
    if not is_new then
      if not given.wait then error(problem, 0) end
      output.note("%s is running already; waiting for it", id)
    end
    runs.announce(id, run_id)
    if given.wait then
      runs.warn_unserved(given.queue)
      output.line "Waiting for completion..."
      return runs.wait(id, run_id)
    end
    output.value { workflow_id = id, run_id = run_id, link = runs.link(id, run_id) }
  end,
}

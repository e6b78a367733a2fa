local serve = require "cli.serve"

return {
  name = "worker", usage = "worker [-q QUEUE] [--scripts DIR]", connects = true, options = serve.options,
  about = "serve workflows and activities from the scripts",
  details = "SIGTERM and SIGINT drain: no new tasks, running activities get the grace time, then they are handed back.\n"
    .. "A second signal stops at once.",
  run = function(given)
    serve.start(given):wait()
  end,
}

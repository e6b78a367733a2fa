-- What `worker` and `dev` share: the options of a worker, and how one is started.

local checks = require "cli.checks"
local client = require "client"
local host = require "cli.host"
local readonly = require "readonly"

local serve = {}

serve.options = {
  { name = "queue", short = "q", value = "NAME", about = "task queue (TEMPORAL_TASK_QUEUE); api-tasks unless given" },
  { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" },
  { name = "cache", value = "N", is = "whole", about = "workflow runs kept in memory; 1000 unless given, 0 keeps none" },
  { name = "activities", value = "N", is = "count", about = "activities at once; 100 unless given" },
  { name = "health", value = "HOST:PORT", about = "serves /livez, /readyz and /metrics there; off unless given" },
  { name = "grace", value = "SECONDS", is = "whole", about = "how long a stop waits for running activities; 20 unless given" },
  { name = "no-watch", about = "read the scripts once: edits count after a restart" },
  { name = "log-level", value = "LEVEL", choices = { "DEBUG", "INFO", "WARNING", "ERROR" },
    about = "DEBUG, INFO, WARNING or ERROR; INFO unless given (LOG_LEVEL)" },
  { name = "no-check", about = "start although the database does not answer or its settings look wrong" },
  { name = "json-logs", about = "log JSON lines, as when stderr is no terminal" },
  { name = "log-file", value = "FILE", about = "also log there, for `signalroom logs`; at 32 MB it becomes FILE.old" },
}

--- Starts a worker from the options given; the first SIGINT or SIGTERM drains it, the second hurries it.
---@param given table
---@param more { hears_reloads: boolean? }?  hears_reloads: serving:wait tells of edited scripts, and the log does not
---@return table serving  as cli.host.serve gives it
function serve.start(given, more)
  readonly.refuse "A worker"
  if given.log_file then host.keep_log(given.log_file) end
  host.configure_log((given.log_level or os.getenv "LOG_LEVEL" or "INFO"):upper(), given.json_logs or not host.is_terminal(2))
  local place = { scripts = given.scripts or "scripts", queue = given.queue or client.queue() }
  if not given.no_check then checks.require(place) end
  return host.serve { scripts = place.scripts, task_queue = place.queue,
    cache = given.cache, activities = given.activities, health = given.health, grace = given.grace,
    fixed_scripts = given.no_watch, hears_reloads = more and more.hears_reloads,
  }
end

return serve

-- What `worker` and `dev` share: run a worker until a signal says stop, drain it, at a second signal stop at once.

local output = require "cli.output"

local serve = {}

serve.options = {
  { name = "queue", short = "q", value = "NAME", about = "task queue (TEMPORAL_TASK_QUEUE); api-tasks unless given" },
  { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" },
  { name = "cache", value = "N", about = "workflow runs kept in memory; 1000 unless given, 0 keeps none" },
  { name = "activities", value = "N", about = "activities at once; 100 unless given" },
  { name = "health", value = "HOST:PORT", about = "serves /livez, /readyz and /metrics there; off unless given" },
  { name = "grace", value = "SECONDS", about = "how long a stop waits for running activities; 10 unless given" },
  { name = "log-level", value = "LEVEL", about = "DEBUG, INFO, WARNING or ERROR; INFO unless given (LOG_LEVEL)" },
  { name = "json-logs", about = "log JSON lines, as when stderr is no terminal" },
}

local function number(given, name, default)
  local value = tonumber(given[name] or default)
  if not value or value < 0 or value % 1 ~= 0 then error({ usage = ("--%s wants a whole number"):format(name) }, 0) end
  return value
end

--- Starts a worker from the options given.
---@return userdata worker
function serve.start(given)
  system.log { level = given.log_level or os.getenv "LOG_LEVEL" or "INFO", json = given.json_logs or not system.is_terminal(2) }
  return worker.start {
    scripts = given.scripts or "scripts", task_queue = given.queue or os.getenv "TEMPORAL_TASK_QUEUE" or "api-tasks",
    cache = number(given, "cache", 1000), activities = number(given, "activities", 100),
    health = given.health, grace = number(given, "grace", 10),
  }
end

--- Waits for the first signal, drains, and stops at once at a second one.
function serve.until_stopped(running)
  local name = system.wait_signal()
  log.info("shutdown_signal_received", { signal = name })
  running:drain()
  if not running:wait() then output.note "stopped at once; what was running is retried elsewhere" end
  log.info("worker_stopped", {})
end

return serve

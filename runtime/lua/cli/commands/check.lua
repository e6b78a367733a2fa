local checks = require "cli.checks"
local client = require "client"
local exits = require "cli.exits"
local json = require "json"
local output = require "cli.output"

return {
  name = "check", usage = "check [--queue NAME] [--scripts DIR]", connects = true,
  about = "is everything there: settings, server, worker, database, scripts, vendors, channels, schedules, clock, disk",
  details = "Prints a line for each thing looked at: ok, warn or fail, and what to do. Changes nothing. Exits 1 when a line says fail.",
  options = {
    { name = "queue", short = "q", value = "NAME", about = "task queue (TEMPORAL_TASK_QUEUE); api-tasks unless given" },
    { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" },
  },
  run = function(given)
    local lines, count = {}, { ok = 0, warn = 0, fail = 0 }
    local function say(verdict, name, found, fix)
      lines[#lines + 1] = { verdict = verdict, name = name, found = found, fix = fix }
      count[verdict] = count[verdict] + 1
      output.line("%-4s  %-20s  %s", verdict, name, found)
      if fix then output.line("%-4s  %-20s  -> %s", "", "", fix) end
    end
    checks.run({ queue = given.queue or client.queue(), scripts = given.scripts or "scripts" }, say)
    output.line("\n%d ok, %d warn, %d fail", count.ok, count.warn, count.fail)
    output.value { checks = json.array(lines), ok = count.ok, warn = count.warn, fail = count.fail }
    return count.fail > 0 and exits.failed or exits.ok
  end,
}

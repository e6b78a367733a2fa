local errors = require "errors"
local exits = require "cli.exits"
local file = require "activity.file"
local host = require "cli.host"
local json = require "json"
local output = require "cli.output"

local MODES = { whole = "whole", tasks = "task by task", evicting = "evicting after each task" }

local function replay_one(path, scripts, mode)
  local ok, report = pcall(host.replay,
    { text = file.read(path), scripts = scripts or "scripts", newest = scripts ~= nil, mode = mode })
  if ok then
    output.line("ok    %s  %s: %d events, %d tasks, on %s%s", path, MODES[mode], report.events, report.tasks, report.code,
      report.own_code and " of its history" or "")
    return { file = path, mode = mode, ok = true, events = report.events, tasks = report.tasks, code = report.code,
      own_code = report.own_code }
  end
  local err = errors.normalize(report)
  output.line("FAIL  %s  %s: %s", path, MODES[mode], err.message)
  return { file = path, mode = mode, ok = false, error = err.message }
end

return {
  name = "replay", usage = "replay FILE... [--scripts DIR] [--mode whole|tasks|evicting|all]", least = 1, most = math.huge,
  about = "run scripts over recorded histories: does anything differ?",
  details = "Reads histories as `signalroom show --json` and `temporal workflow show -o json` print them, and runs each on the\n"
    .. "code that it records, or on ./scripts when it records none; with --scripts always on those. Exits 1 when a script\n"
    .. "does not do what a history says, naming the event, the command and the script's line.",
  options = {
    { name = "scripts", value = "DIR", about = "run these scripts, whatever code the run began on" },
    { name = "mode", value = "MODE", choices = { "whole", "tasks", "evicting", "all" },
      about = "how history is fed: whole (unless given), tasks, evicting, or all three" },
  },
  run = function(given, rest)
    local modes = given.mode == "all" and { "whole", "tasks", "evicting" } or { given.mode or "whole" }
    local results, failed = {}, 0
    for _, path in ipairs(rest) do
      for _, mode in ipairs(modes) do
        local result = replay_one(path, given.scripts, mode)
        results[#results + 1] = result
        if not result.ok then failed = failed + 1 end
      end
    end
    output.value { histories = json.array(results), failed = failed }
    return failed > 0 and exits.failed or exits.ok
  end,
}

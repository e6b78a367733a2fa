local absent = require "cli.absent"
local json = require "json"
local output = require "cli.output"
local retry = require "cli.retry"
local scripts = require "cli.scripts"

local topics = {}

local function check_source(root, source)
  scripts.root = root
  local names = scripts.names "source"
  for _, name in ipairs(names) do
    if name == source then return end
  end
  absent("source", source, names, "repl -e 'sources()'")
end

function topics.retry(given, source)
  local root = given.scripts or "scripts"
  if source then check_source(root, source) end
  local about = retry.read(root, source)
  local policy = about.policy
  local attempts = policy.attempts > 0 and tostring(policy.attempts) or "no limit"
  local unreachable = about.unreachable and policy.attempts > 0
  local warning = unreachable and ("the longest delay, %s, is never reached: raise attempts or lower max"):format(policy.max) or nil
  local rows = { { "first delay", policy.initial }, { "factor", ("%g"):format(policy.factor) }, { "longest delay", policy.max },
    { "attempts", attempts }, { "never retried", table.concat(policy.never, ", ") }, { "delays", retry.list(about.delays_ms) },
    { "budget", about.budget_ms and ("%s of waiting in %s attempts"):format(retry.say(about.budget_ms), attempts) or "no end" } }
  output.line("%s: %s", source or "every activity without a policy of its own", about.place)
  for _, row in ipairs(rows) do output.line("  %-14s %s", row[1], row[2]) end
  output.line "  An error that says when to come back (RateLimited) is retried then instead."
  if warning then output.line("warning: %s", warning) end
  output.value { source = source, place = about.place, policy = policy, delays_ms = json.array(about.delays_ms),
    budget_ms = about.budget_ms, warning = warning }
end

return {
  name = "explain", usage = "explain retry [SOURCE]", least = 1, most = 2,
  about = "how often what is tried again, after how long, and where that is said",
  options = { { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" } },
  run = function(given, rest)
    local topic = topics[rest[1]]
    if not topic then error({ usage = "explain knows: retry" }, 0) end
    topic(given, rest[2])
  end,
}

local exits = require "cli.exits"
local json = require "json"
local output = require "cli.output"
local why = require "cli.why"

return {
  name = "why", usage = "why WORKFLOW_ID [--run-id ID]", least = 1, connects = true,
  about = "why a run stands where it stands, in one sentence",
  details = "Reads only, and needs no worker. Exits 0 when all is well and 1 when it found a problem.",
  options = { { name = "run-id", value = "ID", about = "one run of it; the latest unless given" } },
  run = function(given, rest)
    local answer, facts = why.ask(rest[1], given.run_id)
    output.line("%s", answer.sentence)
    for _, line in ipairs(answer.evidence) do output.line("  %s", line) end
    if answer.fix then output.line("  -> %s", answer.fix) end
    output.value { workflow_id = rest[1], run_id = facts.about.execution.run_id, workflow_type = facts.about.type and facts.about.type.name,
      problem = answer.problem, cause = answer.sentence, evidence = json.array(answer.evidence), fix = answer.fix }
    return answer.problem and exits.failed or exits.ok
  end,
}

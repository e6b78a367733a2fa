local errors = require "errors"
local exits = require "cli.exits"
local json = require "json"
local output = require "cli.output"
local runs = require "cli.runs"
local why = require "cli.why"

local UNKNOWN = { UnavailableError = true, DeadlineExceededError = true, ResourceExhaustedError = true, PermissionDeniedError = true,
  UnauthenticatedError = true }

local function say(found)
  output.line("%s", found.sentence)
  for _, line in ipairs(found.evidence) do output.line("  %s", line) end
  if found.fix then output.line("  -> %s", found.fix) end
end

local function code_of(found)
  return found.problem and exits.failed or exits.ok
end

local function value_of(found, more)
  more.problem, more.cause, more.evidence, more.fix = found.problem, found.sentence, json.array(found.evidence), found.fix
  return more
end

local function of_schedule(id)
  local found = why.ask_schedule(id)
  if not found then return nil end
  say(found)
  output.value(value_of(found, { schedule_id = id }))
  return code_of(found)
end

local function of_run(id, run_id)
  local found, facts = why.ask(id, run_id)
  local link = runs.link(id, facts.run_id)
  say(found)
  if link then output.line("  %s", link) end
  output.value(value_of(found, { workflow_id = id, run_id = facts.run_id, workflow_type = facts.about.type and facts.about.type.name,
    link = link }))
  return code_of(found)
end

local function missing(id, problem)
  error(errors.new("NotFoundError", { cause = problem, message = ("no run and no schedule is named %s"):format(id) }), 0)
end

-- A name is a run's; where there is no such run, a schedule's.
local function of_name(id, run_id)
  local named = id:match "^schedule:(.+)$"
  if named then return of_schedule(named) or missing(named) end
  local ok, result = pcall(of_run, id, run_id)
  if ok then return result end
  if not (errors.is(result) and result.type == "NotFoundError") then error(result, 0) end
  return of_schedule(id) or missing(id, result)
end

local function of_all(limit)
  local list, worst = {}, exits.ok
  for i, row in ipairs(why.ask_all(limit)) do
    local id = row.about.execution.workflow_id
    output.line("%s  %s  %s", row.found.problem and "PROBLEM" or "ok     ", id, row.found.sentence)
    list[i] = value_of(row.found, { workflow_id = id, run_id = row.about.execution.run_id, workflow_type = row.about.type.name })
    worst = math.max(worst, code_of(row.found))
  end
  if #list == 0 then output.line "No run is open." end
  if #list == limit then output.note("These are the newest %d; there may be more: --limit N.", limit) end
  output.value { runs = json.array(list) }
  return worst
end

-- A server that does not answer is neither a healthy run nor a sick one.
local function or_unknown(ok, result)
  if ok then return result end
  local err = errors.normalize(result)
  if not UNKNOWN[err.type] then error(result, 0) end
  local sentence, fix = ("Cannot tell: %s."):format(err.message), select(2, exits.of(err))
  say { sentence = sentence, evidence = {}, fix = fix }
  output.value { problem = json.null, cause = sentence, evidence = json.array {}, fix = fix }
  return exits.unknown
end

return {
  name = "why", usage = "why [WORKFLOW_ID | SCHEDULE_ID] [--run-id ID]", least = 0, most = 1, connects = true, completes = "runs",
  about = "why a run or a schedule stands where it stands, in one sentence; all open runs without a name",
  details = "Reads only, and needs no worker. Exits 0 when all is well, 1 when it found a problem, 2 when it cannot tell because\n"
    .. "the server does not answer. A name that a run and a schedule share means the run: schedule:ID means the schedule.",
  options = {
    { name = "run-id", value = "ID", about = "one run of it; the latest unless given" },
    { name = "limit", value = "N", is = "count", about = "without a name: at most so many open runs; 200 unless given" },
  },
  run = function(given, rest)
    if rest[1] then return or_unknown(pcall(of_name, rest[1], given.run_id)) end
    return or_unknown(pcall(of_all, given.limit or 200))
  end,
}

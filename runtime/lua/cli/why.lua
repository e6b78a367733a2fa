-- Why a run stands where it stands: one sentence that names the cause, what shows it, and what to do.
--
-- Each file of cli/why/ has the causes of one kind of thing, a small function each: cause(facts) gives the answer or nil.
-- They are asked in this order, and the first answer is the answer. What the server knows is enough for all of them, so
-- that they answer while no worker is there.

local client = require "client"
local loads = require "cli.why.loads"
local rpc = require "rpc"
local schedule = require "cli.why.schedule"
local versions = require "cli.versions"
local words = require "cli.why.words"

local CAUSES = { require "cli.why.closed", require "cli.why.task", require "cli.why.activity", require "cli.why.waiting" }

local NEWEST = 200       -- events looked at
local PATIENCE = 5       -- seconds for the server's first answer
local CLOCKS_APART = 5000 -- ms by which the server's clock may be ahead

local why = {}

local function first(facts)
  for _, causes in ipairs(CAUSES) do
    for _, cause in ipairs(causes) do
      local found = cause(facts)
      if found then return found end
    end
  end
end

-- The script that the run keeps to, from the marker of its first workflow task.
local function code(facts)
  for _, event in ipairs(facts.beginning) do
    local pin = versions.pin(event)
    if pin then return ("it runs on %s@%s"):format(pin.entry, versions.short(pin.hash)) end
  end
end

local function clock(facts)
  local newest = facts.events[1] and facts.events[1].event_time or 0
  return newest > facts.now + CLOCKS_APART and ("this machine's clock is %s behind the server's"):format(
    words.span(newest - facts.now)) or nil
end

local function facts_of(id, run_id, known)
  local described = rpc.call("DescribeWorkflowExecution", { execution = { workflow_id = id, run_id = run_id or "" } }, { once = PATIENCE })
  local about = described.workflow_execution_info
  local status = tostring(about.status):gsub("^WORKFLOW_EXECUTION_STATUS_", "")
  local config = described.execution_config or {}
  return { id = id, run_id = about.execution.run_id, now = os.time() * 1000, described = described, about = about, status = status,
    open = status == "RUNNING" or status == "PAUSED", task = described.pending_workflow_task, deep = not known, queues = known or {},
    queue = config.task_queue and config.task_queue.name or about.task_queue,
    events = client.newest(id, about.execution.run_id, NEWEST) }
end

local BACKGROUND = { function(facts) return facts.open and schedule.behind(facts.about) end, code, loads, clock }

-- What helps to understand, besides what shows the cause.
local function add_background(found, facts)
  facts.beginning = versions.first_events(facts.about.execution)
  for _, look in ipairs(BACKGROUND) do
    local line = look(facts)
    if line then found.evidence[#found.evidence + 1] = line end
  end
end

local function answer_of(id, run_id, known)
  local facts = facts_of(id, run_id, known)
  local found = first(facts)
  if not known then add_background(found, facts) end
  return found, facts
end

--- Finds the cause of one run.
---@param id string
---@param run_id string?  the latest run unless given
---@return Cause found
---@return table facts
function why.ask(id, run_id)
  return answer_of(id, run_id)
end

--- Finds the cause of a schedule; nil when there is no such schedule.
---@param id string
---@return Cause?
function why.ask_schedule(id)
  return schedule.ask(id, os.time() * 1000)
end

--- Every open run with its cause, those with a problem first.
---@param limit integer
---@return { about: table, found: Cause }[]
function why.ask_all(limit)
  local bad, good, known = {}, {}, {}
  for _, about in ipairs(client.list("ExecutionStatus = 'Running'", limit)) do
    local ok, found = pcall(answer_of, about.execution.workflow_id, about.execution.run_id, known)
    if ok then table.insert(found.problem and bad or good, { about = about, found = found }) end
  end
  for _, row in ipairs(good) do bad[#bad + 1] = row end
  return bad
end

return why

-- The workflow library of one cell. For each run, new_run gives `activate`: jobs in, commands out, in the
-- order of docs/protocol.md, Running the script. C calls it and nothing else.
--
-- activation:  start (once: who the run is), jobs, now_ms, replaying, history_length, history_bytes,
--              suggest_continue_as_new, queries, log (once: where lines go),
--              describe (a script's name: which types it defines)
-- result:      commands, or failure (the task fails), or answers (of queries), or types (of describe)

local S = require "workflow.scheduler"
local activities = require "workflow.activity"
local api = require "workflow.api"
local converter = require "converter"
local ending = require "workflow.ending"
local failure = require "failure"
local log = require "workflow.log"
local options = require "options"
local place = require("sandbox").place
local queries = require "workflow.query"
local signals = require "workflow.signal"
local timers = require "workflow.timer"
local mistake = require "mistake"

local DEFINITION_KNOWN = { run = true, signals = true, queries = true }

-- --- definitions ---

local function check_handlers(handlers, what)
  if handlers == nil then return end
  if type(handlers) ~= "table" then mistake(what .. " must be a table of functions") end
  for name, handler in pairs(handlers) do
    if type(name) ~= "string" or type(handler) ~= "function" then
      mistake(("%s must be a table of functions; %s is a %s"):format(what, tostring(name), type(handler)))
    end
  end
end

local function define(name, definition)
  local run = S.run
  if not run.loading then mistake("workflows are defined at the top level of a script") end
  if type(definition) ~= "table" then mistake(("workflow %q takes a table"):format(name)) end
  options.check(definition, DEFINITION_KNOWN, ("workflow %q"):format(name))
  if type(definition.run) ~= "function" then mistake(("workflow %q has no function `run`"):format(name)) end
  check_handlers(definition.signals, ("workflow %q: signals"):format(name))
  check_handlers(definition.queries, ("workflow %q: queries"):format(name))
  if run.definitions[name] then mistake(("workflow %q is defined twice"):format(name)) end
  run.definitions[name], run.places[name] = definition, place()
end

local vocabulary = {
  __index = api,
  __metatable = "workflow",
  __call = function(_, name)
    if type(name) ~= "string" or name == "" then mistake("workflow takes a name: workflow \"Name\" { run = ... }") end
    return function(definition) define(name, definition) end
  end,
}

-- The word of workflows/schedules.lua. The command line reads that file (schedule/script.lua); to a worker it says nothing.
local function schedule() return function() end end

-- All types, or those that one script defines itself.
local function type_names(run, script)
  local names = {}
  for name in pairs(run.definitions) do
    if not script or run.places[name]:sub(1, #script + 1) == script .. ":" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- --- jobs ---

local function present(execution)
  return execution and { workflow_id = execution.workflow_id, run_id = execution.run_id } or nil
end

local function seconds(ms)
  return ms and ms > 0 and ms / 1000 or nil
end

-- What the run must remember of its first event; the rest of it is dropped.
local function remember(info, at)
  info.workflow_type = at.workflow_type and at.workflow_type.name or ""
  info.attempt = at.attempt or 1
  info.first_run_id = at.first_execution_run_id
  info.continued_run_id = at.continued_execution_run_id
  info.parent = present(at.parent_workflow_execution)
  info.cron_schedule = at.cron_schedule
  info.run_timeout = seconds(at.workflow_run_timeout)
  info.execution_timeout = seconds(at.workflow_execution_timeout)
  info.task_queue = at.task_queue and at.task_queue.name or info.task_queue
  info.continued_retry_policy = at.retry_policy
  info.continued_memo = at.memo
  info.continued_search_attributes = at.search_attributes
end

local function initialize(run, job)
  local at = job.attributes
  remember(run.info, at)
  local name = run.info.workflow_type
  local definition = run.definitions[name]
  if not definition then
    return S.fail_task(run, { message = ("no workflow %q in this script; it has %s"):format(name,
      table.concat(type_names(run), ", ")), source = "LuaSDK", application_failure_info = { type = "NotFoundError" } })
  end
  run.definition, run.place = definition, run.places[name]
  run.definitions, run.places = nil, nil
  local ok, values, n = pcall(converter.decode_list, at.input)
  if not ok then
    return S.fail_task(run, failure.from_error("the workflow's input cannot be read: " .. tostring(values)))
  end
  values.n = n
  S.enqueue(S.fiber(run, "main", run.scope, ending.main_ended, definition.run, values))
end

local function cancel(run, job)
  local at = job.attributes
  S.later(function() S.cancel_scope(run, run.scope, at and at.cause or "the workflow was cancelled") end)
end

local kinds = {
  initialize = initialize,
  random_seed = function(run, job) run.host.seed(job.seed) end,
  signal = signals.arrived,
  fire_timer = timers.fire,
  resolve_activity = activities.resolve,
  cancel = cancel,
}

-- --- activations ---

local function apply(run, activation)
  for _, job in ipairs(activation.jobs) do kinds[job.kind](run, job) end
  if not run.failure then S.drain(run) end
  if run.failure then return { failure = run.failure } end
  return { commands = S.commands(run) }
end

-- What a query draws and names is taken back: a replay does not know of the query.
local function answer(run, activation)
  local answers = {}
  for i, query in ipairs(activation.queries) do
    local mark = run.host.mark()
    answers[i] = queries.answer(run, query)
    run.host.rewind(mark)
  end
  return { answers = answers }
end

local function begin(run, start)
  run.info = { workflow_id = start.workflow_id, run_id = start.run_id, namespace = start.namespace,
    task_queue = start.task_queue, started_at = start.started_ms / 1000 }
  run.host.seed(start.seed)
end

local function activate(run, activation)
  if activation.describe then return { types = type_names(run, activation.describe) } end
  S.begin(run, activation)
  if activation.start then begin(run, activation.start) end
  run.host.set_now(activation.now_ms)
  if activation.queries then return answer(run, activation) end
  return apply(run, activation)
end

-- What `require` gives besides the bundle: the run's own json.
local offered = { __index = function(_, name)
  if name == "json" then return S.run.host.env.json end
end }

return function(env, host)
  local run = S.new(host)
  setmetatable(host.modules, offered)
  S.begin(run)
  S.format = S.format or env.string.format
  rawset(env, "workflow", setmetatable({}, vocabulary))
  rawset(env, "schedule", schedule)
  run.loading = true
  host.run_bundle()
  run.loading = nil
  return function(activation)
    if activation.log then log.open(activation.log) end
    return activate(run, activation)
  end
end

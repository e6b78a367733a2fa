-- Runs activity tasks. Every task gets a run of the script that defines its activity, in an environment of its own:
-- what a script keeps at its top level belongs to one task. Modules that scripts require are shared by all tasks.
--
-- C calls boot(scripts) once, then run() as one fiber a task; run() ends by native.finish(kind, message).

local api = require "activity.api"
local converter = require "converter"
local errors = require "errors"
local failure = require "failure"
local files = require "report.files"
local native = require "native.task"
local options = require "options"
local secrets = require "native.secret"
local sorted_keys = require "sorted_keys"

local DEFINITION_KNOWN = { run = true }

local homes = {} -- activity name -> the script that defines it

-- --- definitions ---

local function define(definitions, name, definition)
  if type(definition) ~= "table" then error(("activity %q takes a table"):format(name), 3) end
  options.check(definition, DEFINITION_KNOWN, ("activity %q"):format(name))
  if type(definition.run) ~= "function" then error(("activity %q has no function `run`"):format(name), 3) end
  if definitions[name] then error(("activity %q is defined twice"):format(name), 3) end
  definitions[name] = definition
end

local function vocabulary(definitions)
  return setmetatable({}, {
    __index = api,
    __metatable = "activity",
    __call = function(_, name)
      if type(name) ~= "string" or name == "" then error("activity takes a name: activity \"name\" { run = ... }", 2) end
      return function(definition) define(definitions, name, definition) end
    end,
  })
end

-- A script is { name =, text =, environment = (of all scripts), idle = (compiled chunks that nobody runs just now) }: a
-- chunk has one environment and its top level may be preempted, so no two tasks run the same chunk at the same time.
local function run_script(script)
  local chunk = table.remove(script.idle) or assert(loadstring(script.text, "@" .. script.name))
  local shared, definitions = script.environment, {}
  setfenv(chunk, setmetatable({ activity = vocabulary(definitions) }, { __index = shared, __newindex = shared }))
  chunk()
  table.insert(script.idle, chunk)
  return definitions
end

local host = {}

--- The `activity` of required modules and of tools: everything but defining.
host.activity = vocabulary({})

-- Apart: the scripts, and the templates of reports, which have no chunk.
local function sorted_out(list)
  local scripts, templates = {}, {}
  for _, one in ipairs(list) do
    if one.chunk then scripts[#scripts + 1] = one else templates[one.name] = one.text end
  end
  return scripts, templates
end

--- Learns which script defines which activity, and what reports there are.
---@param list { name: string, text: string, chunk: function? }[] every script, compiled; templates without a chunk
---@return string[] names of all activities, sorted
---@return string[] scripts the script that defines each
function host.boot(list)
  local scripts, templates = sorted_out(list)
  files.set(templates)
  for _, one in ipairs(scripts) do
    local script = { name = one.name, text = one.text, environment = getfenv(one.chunk), idle = { one.chunk } }
    for name in pairs(run_script(script)) do
      local other = homes[name]
      if other then error(("activity %q is defined in %s and in %s"):format(name, other.name, script.name), 0) end
      homes[name] = script
    end
  end
  local defined, by = sorted_keys(homes), {}
  for i, name in ipairs(defined) do by[i] = homes[name].name end
  return defined, by
end

-- --- outcomes ---

-- Vendors echo keys in their answers, and scripts put answers into errors: what leaves for the server shows no secret.
local function without_secrets(one)
  if one.message then one.message = secrets.hide(one.message) end
  if one.stack_trace then one.stack_trace = secrets.hide(one.stack_trace) end
  local details = (one.application_failure_info or {}).details
  for _, payload in ipairs(details and details.payloads or {}) do payload.data = payload.data and secrets.hide(payload.data) end
  if one.cause then without_secrets(one.cause) end
  return one
end

-- A call in tail position has no frame left to name: then the line is the activity's own.
local function failure_of(err, stack)
  local made, state = failure.from_error(err, stack), native.state()
  if not (errors.is(err) and err.failure) then made.stack_trace = made.stack_trace or state and state.place end
  return made
end

local function failed(err, stack)
  native.finish("failed", { failure = without_secrets(failure_of(err, stack)) })
end

local function completed(value)
  native.finish("completed", { result = { payloads = { converter.encode(value) } } })
end

-- What a script that was cancelled, and ended for that reason, is for the server.
local endings = {
  cancel_requested = function(err)
    native.finish("canceled", { details = err.details ~= nil and converter.encode_list({ err.details }, 1) or nil })
  end,
  paused = function() failed(errors.ApplicationError { type = "ActivityPause", message = "the activity was paused" }) end,
  reset = function() failed(errors.ApplicationError { type = "ActivityReset", message = "the activity was reset" }) end,
  worker_shutdown = function()
    failed(errors.ApplicationError { type = "WorkerShutdown", message = "the worker shut down" })
  end,
}

local function unasked(err)
  failed(errors.ApplicationError { type = "Cancelled", message = "unexpected activity cancel error", cause = err })
end

local function raised(report)
  local err = report.error
  if errors.is(err) and err.type == "CancelledError" then
    return (endings[native.reason() or ""] or unasked)(err)
  end
  failed(err, report.stack)
end

-- --- one task ---

local function find(poll)
  local name = poll.activity_type and poll.activity_type.name or ""
  if homes[name] then return run_script(homes[name])[name].run end
  error(errors.ApplicationError { type = "NotFoundError",
    message = ("no activity %q in this worker's scripts; they define %s"):format(name, table.concat(sorted_keys(homes), ", ")) }, 0)
end

local function decode(poll)
  local ok, values, n = pcall(converter.decode_list, poll.input)
  if ok then return values, n end
  error(errors.ApplicationError { type = "DecodeError", message = "Failed decoding arguments: " .. tostring(values) }, 0)
end

local function execute()
  local poll = native.poll()
  local state = { poll = poll, open = {} }
  native.adopt(state)
  local run = find(poll)
  local defined = debug.getinfo(run, "S")
  state.place = ("%s:%d: in the activity"):format(defined.short_src, defined.linedefined)
  local values, n = decode(poll)
  return run(unpack(values, 1, n))
end

-- What the task opened and left open: the collector would come too late for a database's limit of connections.
local function close_all()
  local state = native.state()
  for thing in pairs(state and state.open or {}) do pcall(thing.close, thing) end
end

function host.run()
  local ok, value = xpcall(execute, native.report)
  close_all()
  local finished, problem = pcall(ok and completed or raised, value)
  if not finished then failed(problem) end
end

return host

-- What the commands that start or await runs share: links, waiting, and how a result is shown.

local client = require "client"
local errors = require "errors"
local exits = require "cli.exits"
local follow = require "cli.follow"
local json = require "json"
local output = require "cli.output"
local progress = require "cli.progress"
local queues = require "cli.why.queues"
local remedies = require "cli.why.remedies"
local rpc = require "rpc"
local words = require "cli.why.words"

local runs = {}

local function escape(text)
  return (text:gsub("[^%w%-_%.~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- A page of the Temporal UI for the connected server and namespace. TEMPORAL_UI_ADDRESS says where the UI is; "none" that
--- there is none.
---@param ... string  "workflows" or "schedules", then an id, then a run id
---@return string? link
function runs.page(...)
  local base = os.getenv "TEMPORAL_UI_ADDRESS"
  if base == "none" then return nil end
  if not base then
    local host, port = rpc.address():match "^(.-):(%d+)$"
    local cloud = (host or ""):find("tmprl.cloud", 1, true) or (host or ""):find("api.temporal.io", 1, true)
    base = cloud and "https://cloud.temporal.io" or ("http://%s:%d"):format(host or "localhost", (tonumber(port) or 7233) + 1000)
  end
  local parts = { base, "namespaces", escape(rpc.namespace()) }
  for _, part in ipairs { ... } do parts[#parts + 1] = escape(part) end
  return table.concat(parts, "/")
end

--- Where the Temporal UI shows a run.
---@return string? link
function runs.link(id, run_id) return runs.page("workflows", id, run_id) end

--- Tells that a run was started, and where to look at it.
function runs.announce(id, run_id)
  output.line("Workflow started: %s", id)
  local link = runs.link(id, run_id)
  if link then output.line("%s", link) end
end

--- Says that a wait may be long when no worker serves the queue.
---@param queue string?  the default one unless given
function runs.warn_unserved(queue)
  queue = queue or client.queue()
  if queues.look({ now = os.time() * 1000, queues = {} }, queue, "WORKFLOW").alive > 0 then return end
  output.note("No worker polls the task queue %s. Start one: signalroom worker --queue %s", queue, queue)
end

--- Starts the sync of a source, with the id that keeps two from running at once.
---@param source string
---@param options { kwargs: table?, resources: string[]?, client: string?, queue: string?, notify: boolean? }
---@return string id
---@return string? run_id  nil when it is running already
---@return boolean is_new
---@return Error? problem  why it is not new
function runs.sync(source, options)
  local id = ("sync-%s%s-manual"):format(source, options.client and "-" .. options.client or "")
  local input = { source_name = source, source_kwargs = options.kwargs, resources = options.resources, client = options.client,
    notify_on_failure = true, notify_on_success = options.notify or false }
  local ok, run_id = pcall(client.start, "SyncSourceWorkflow", input, { id = id, task_queue = options.queue })
  if ok then return id, run_id, true end
  local err = run_id
  if not errors.is(err) or err.type ~= "AlreadyExistsError" then error(err, 0) end
  return id, nil, false, err
end

--- A run of the server's list, as a row for people and programs.
---@param about table  temporal.api.workflow.v1.WorkflowExecutionInfo
---@return table row
function runs.row(about)
  local status = tostring(about.status or ""):gsub("^WORKFLOW_EXECUTION_STATUS_", ""):gsub("_", " "):lower():gsub("^%l", string.upper)
  return { status = status, workflow = about.type and about.type.name, id = about.execution.workflow_id,
    run_id = about.execution.run_id, started = output.time(about.start_time), closed = output.time(about.close_time) }
end

--- An error as plain JSON: type, message, cause, the script's stack.
---@param err Error
---@return table
function runs.plain(err)
  return { type = err.type, message = err.message, stack = err.failure and err.failure.stack_trace,
    cause = err.cause and runs.plain(errors.normalize(err.cause)) }
end

-- An activity that failed is told by its name and how it ended; Temporal's own words for it say nothing.
local function sentence(err)
  local failure = err.failure
  if failure and failure.activity_failure_info then return words.failure(failure) end
  return ("%s: %s"):format(err.type, err.message)
end

-- What failed, why, where, and what to do.
local function say_failure(id, err)
  output.note("Failed: %s", sentence(err))
  local deepest = err
  while deepest.cause do
    deepest = deepest.cause
    output.note("  caused by %s", sentence(deepest))
  end
  local place = deepest.failure and words.line_of(deepest.failure)
  local fix = deepest.failure and remedies(deepest.failure) or "signalroom why " .. id
  if place then output.note("  raised at %s", place) end
  output.note("  -> %s", fix)
  return place, fix
end

-- With what it is at, where somebody looks on; that may fail where the wait itself goes on.
local function look_on(id, run_id)
  if not progress.visible() then return end
  pcall(follow, id, run_id)
  progress.clear()
end

--- Waits for a run, prints its result or its failure, and says which exit code that is.
---@return integer exit_code
function runs.wait(id, run_id)
  look_on(id, run_id)
  local ok, result = pcall(client.result, id, run_id)
  if ok then
    output.line("Result: %s", json.encode(result == nil and json.null or result))
    output.value { workflow_id = id, run_id = run_id, status = "completed", result = result == nil and json.null or result }
    return exits.ok
  end
  local err = errors.normalize(result)
  if not err.ended then error(err, 0) end
  local place, fix = say_failure(id, err)
  output.value { workflow_id = id, run_id = run_id, status = "failed", error = runs.plain(err), place = place, fix = fix }
  return exits.failed
end

return runs

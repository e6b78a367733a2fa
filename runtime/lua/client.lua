-- A Temporal client on `rpc.call`: start, result, signal, query, cancel, terminate, list, history.
--
-- Every call raises typed errors (errors.lua); times are milliseconds since 1970, as in all message tables.

local converter = require "converter"
local duration = require "duration"
local errors = require "errors"
local failures = require "failure"
local rpc = require "rpc"

local client = {}

-- The closing events, what they mean, and the attribute that names the run that goes on, if any.
local CLOSING = {
  EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED = { "completed", "workflow_execution_completed_event_attributes" },
  EVENT_TYPE_WORKFLOW_EXECUTION_FAILED = { "failed", "workflow_execution_failed_event_attributes" },
  EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT = { "timed out", "workflow_execution_timed_out_event_attributes" },
  EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED = { "cancelled", "workflow_execution_canceled_event_attributes" },
  EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED = { "terminated", "workflow_execution_terminated_event_attributes" },
  EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW = { "continued", "workflow_execution_continued_as_new_event_attributes" },
}

local REUSE = { allow = "ALLOW_DUPLICATE", failed_only = "ALLOW_DUPLICATE_FAILED_ONLY", reject = "REJECT_DUPLICATE" }
local CONFLICT = { fail = "FAIL", use_existing = "USE_EXISTING", terminate = "TERMINATE_EXISTING" }

local function execution(id, run_id)
  return { workflow_id = id, run_id = run_id or "" }
end

--- The task queue that is meant when none is named: TEMPORAL_TASK_QUEUE, or api-tasks.
---@return string
function client.queue() return os.getenv "TEMPORAL_TASK_QUEUE" or "api-tasks" end

--- Starts a workflow.
---@param workflow_type string
---@param input any          the one argument; nil starts it without arguments
---@param options { id: string, task_queue: string?, reuse: string?, conflict: string?, timeout: string|number|nil, args: table? }
---@return string run_id
function client.start(workflow_type, input, options)
  local args = options.args or (input ~= nil and { n = 1, input }) or { n = 0 }
  local reply = rpc.call("StartWorkflowExecution", {
    workflow_id = options.id,
    workflow_type = { name = workflow_type },
    task_queue = { name = options.task_queue or client.queue() },
    input = converter.encode_list(args, args.n),
    workflow_run_timeout = options.timeout and duration.ms(options.timeout) or nil,
    workflow_id_reuse_policy = "WORKFLOW_ID_REUSE_POLICY_" .. REUSE[options.reuse or "allow"],
    workflow_id_conflict_policy = "WORKFLOW_ID_CONFLICT_POLICY_" .. CONFLICT[options.conflict or "fail"],
  })
  return reply.run_id
end

local function closing_event(id, run_id)
  local token
  while true do
    local reply = rpc.call("GetWorkflowExecutionHistory", {
      execution = execution(id, run_id), wait_new_event = true, skip_archival = true, next_page_token = token,
      history_event_filter_type = "HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT",
    }, { long_poll = true })
    local events = reply.history and reply.history.events or {}
    if #events > 0 then return events[#events] end
    token = reply.next_page_token or token
  end
end

-- The error of a run that did not complete; `ended` tells it from one of the call that asked.
local function failure_of(event, word, attributes, id)
  if attributes.failure then
    local err = failures.to_error(attributes.failure)
    err.ended = word
    return err
  end
  local message = ("workflow %s %s"):format(id, word)
  if attributes.reason and attributes.reason ~= "" then message = message .. ": " .. attributes.reason end
  local kind = "Workflow" .. word:gsub("^%l", string.upper):gsub(" (%l)", string.upper)
  return errors.new(kind, { message = message, ended = word, details = { event_id = event.event_id } })
end

--- Waits until the workflow has closed, through retries and continue-as-new.
---@param id string
---@param run_id string?  nil: the latest run
---@return any result     what the workflow returned; a workflow that did not complete raises its failure
function client.result(id, run_id)
  while true do
    local event = closing_event(id, run_id)
    local word, field = unpack(CLOSING[event.event_type])
    local attributes = event[field] or {}
    local goes_on = attributes.new_execution_run_id
    if goes_on and goes_on ~= "" then
      run_id = goes_on
    elseif word == "completed" then
      return converter.decode_first(attributes.result)
    else
      error(failure_of(event, word, attributes, id), 0)
    end
  end
end

--- Sends a signal; it is in the history once this returns.
function client.signal(id, name, args, run_id)
  rpc.call("SignalWorkflowExecution", { workflow_execution = execution(id, run_id), signal_name = name,
    input = converter.encode_list(args, args.n) })
end

--- Asks a workflow; a worker must be there to answer.
---@param options { once: number? }?  as of rpc.call
---@return any answer
function client.query(id, name, args, run_id, options)
  local reply = rpc.call("QueryWorkflow", { execution = execution(id, run_id),
    query = { query_type = name, query_args = converter.encode_list(args, args.n) } }, options)
  if reply.query_rejected then
    error(errors.new("QueryRejected", { message = "workflow " .. id .. " is " .. tostring(reply.query_rejected.status) }), 0)
  end
  return converter.decode_first(reply.query_result)
end

--- Asks a workflow to cancel; it may take its time, or decline.
function client.cancel(id, run_id, reason)
  rpc.call("RequestCancelWorkflowExecution", { workflow_execution = execution(id, run_id), reason = reason })
end

--- Ends a workflow at once; its script hears nothing of it.
---@param id string
---@param run_id string?  nil: the current run
---@param reason string?  shown in the history
function client.terminate(id, run_id, reason)
  rpc.call("TerminateWorkflowExecution", { workflow_execution = execution(id, run_id), reason = reason })
end

--- What the server knows of a run: workflow_execution_info, pending_activities and so on.
function client.describe(id, run_id)
  return rpc.call("DescribeWorkflowExecution", { execution = execution(id, run_id) })
end

--- Runs that match a visibility query, newest first.
---@param query string  as in `temporal workflow list --query`; "" for all
---@param limit integer
---@param options { once: number? }?  as of rpc.call
---@return table[] infos
function client.list(query, limit, options)
  local found, token = {}, nil
  repeat
    local reply = rpc.call("ListWorkflowExecutions", { query = query, page_size = math.min(limit - #found, 1000),
      next_page_token = token }, options)
    for _, info in ipairs(reply.executions or {}) do
      if #found < limit then found[#found + 1] = info end
    end
    token = reply.next_page_token
  until not token or token == "" or #found >= limit
  return found
end

--- The whole history of a run, page by page.
---@return table[] events
function client.history(id, run_id)
  local events, token = {}, nil
  repeat
    local reply = rpc.call("GetWorkflowExecutionHistory", { execution = execution(id, run_id), next_page_token = token })
    for _, event in ipairs(reply.history and reply.history.events or {}) do events[#events + 1] = event end
    token = reply.next_page_token
  until not token or token == ""
  return events
end

--- The newest events of a run, newest first.
---@param limit integer  at most so many
---@return table[] events
function client.newest(id, run_id, limit)
  local reply = rpc.call("GetWorkflowExecutionHistoryReverse", { execution = execution(id, run_id), maximum_page_size = limit })
  local events = reply.history and reply.history.events or {}
  for i = #events, limit + 1, -1 do events[i] = nil end -- the server gives whole batches
  return events
end

return client

-- Queries: read-only, answered when all that has happened is applied.

local S = require "workflow.scheduler"
local converter = require "converter"
local failure = require "failure"
local json = require "json"
local signals = require "workflow.signal"

local M = {}

local ANSWERED, FAILED = 1, 2 -- QueryResultType

local function named(names)
  local list = json.array {}
  for _, name in ipairs(names) do list[#list + 1] = { name = name } end
  return list
end

--- Names of the workflow's own queries, sorted.
function M.names(run)
  local seen, names = {}, {}
  for _, queries in ipairs { run.definition and run.definition.queries or {}, run.queries or {} } do
    for name in pairs(queries) do
      if not seen[name] then seen[name], names[#names + 1] = true, name end
    end
  end
  table.sort(names)
  return names
end

local function stack_trace(run)
  local parts = {}
  for _, fiber in ipairs(S.living(run)) do
    local stack = failure.stack(debug.traceback(fiber.co))
    if stack then parts[#parts + 1] = fiber.name .. "\n" .. stack end
  end
  return converter.encode(table.concat(parts, "\n\n"))
end

local function metadata(run)
  return {
    metadata = { encoding = "json/protobuf", messageType = "temporal.api.sdk.v1.WorkflowMetadata" },
    data = json.encode { definition = { type = run.info.workflow_type, queryDefinitions = named(M.names(run)),
      signalDefinitions = named(signals.names(run)) } },
  }
end

local built_in = { __stack_trace = stack_trace, __temporal_workflow_metadata = metadata }

local function refused(message, cause)
  return { result_type = FAILED, error_message = message,
    failure = cause or { message = message, source = "LuaSDK", application_failure_info = { type = "QueryError" } } }
end

local function answered(payload)
  return { result_type = ANSWERED, answer = { payloads = { payload } } }
end

local function unknown(run, name)
  local known = M.names(run)
  for word in pairs(built_in) do known[#known + 1] = word end
  table.sort(known)
  return refused(("workflow %s has no query %q; it has %s"):format(run.info.workflow_type, name,
    table.concat(known, ", ")))
end

local function ask(handler, query)
  local values, n = converter.decode_list(query.query_args)
  local ok, value, stack = S.read("in a query", function() return handler(unpack(values, 1, n)) end)
  if not ok then
    local cause = failure.from_error(value, stack)
    return refused(cause.message, cause)
  end
  return answered(converter.encode(value))
end

--- The WorkflowQueryResult of a WorkflowQuery.
function M.answer(run, query)
  local name = query.query_type or ""
  if built_in[name] then return answered(built_in[name](run)) end
  local declared = run.definition and run.definition.queries
  local handler = run.queries and run.queries[name] or declared and declared[name]
  if not handler then return unknown(run, name) end
  local ok, result = pcall(ask, handler, query)
  return ok and result or refused(("query %s: %s"):format(name, tostring(result)))
end

return M

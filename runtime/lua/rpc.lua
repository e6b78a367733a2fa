-- Calls to the Temporal server: `rpc.call("DescribeNamespace", { namespace = "default" })`.
--
-- Requests and responses are tables shaped like the messages (script/message.h). namespace, identity and request_id
-- are filled in where the request has them and the caller left them out.

local errors = require "errors"
local native = require "client.native"
local readonly = require "readonly"
local wait = require "wait"

local rpc = {}

local TYPE = {
  CANCELLED = "CancelledError", INVALID_ARGUMENT = "InvalidArgumentError", DEADLINE_EXCEEDED = "DeadlineExceededError",
  NOT_FOUND = "NotFoundError", ALREADY_EXISTS = "AlreadyExistsError", PERMISSION_DENIED = "PermissionDeniedError",
  RESOURCE_EXHAUSTED = "ResourceExhaustedError", FAILED_PRECONDITION = "FailedPreconditionError", ABORTED = "AbortedError",
  UNIMPLEMENTED = "UnimplementedError", INTERNAL = "InternalError", UNAVAILABLE = "UnavailableError",
  UNAUTHENTICATED = "UnauthenticatedError",
}

local function raise(failure)
  if type(failure) ~= "table" then error(errors.new("ValueError", { message = failure, non_retryable = true }), 0) end
  error(errors.new(TYPE[failure.status] or "RpcError", { message = ("%s: %s"):format(failure.method, failure.message),
    status = failure.status, details = failure.details }), 0)
end

local prepared -- options of a connection that is made at first use

local function unwrap(ok, value)
  if ok then return value end
  if value == nil then return wait(false) end -- cancelled
  raise(value)
end

--- Chooses the server: options over TEMPORAL_* variables over the profile of temporal.toml (docs/connection.md).
--- Nothing is sent yet.
---@param options { address: string?, namespace: string?, profile: string?, config_file: string? }
function rpc.connect(options)
  local problem = native.connect(options)
  if problem then error(errors.new("ConfigError", { message = problem, non_retryable = true }), 0) end
end

--- As connect, but only once something needs the server.
---@param options table
function rpc.prepare(options) prepared = options end

local function ready()
  if not prepared then return end
  rpc.connect(prepared)
  prepared = nil
end

--- What the profile of temporal.toml alone says, by the names of the variables.
---@param options { profile: string?, config_file: string? }
---@return table<string, string>
function rpc.profile(options)
  local values, problem = native.profile(options)
  if not values then error(errors.new("ConfigError", { message = problem, non_retryable = true }), 0) end
  return values
end

local READS = { "^Get", "^List", "^Describe", "^Query", "^Count" }

local function reads(method)
  local name = method:match "[^/]*$"
  for _, pattern in ipairs(READS) do
    if name:find(pattern) then return true end
  end
  return false
end

--- Calls the server and waits for its answer. A refusal raises an error whose type says which (NotFoundError for
--- NOT_FOUND, and so on), with `status` ("NOT_FOUND") and `details`: the messages that came with it, by full name.
---@param method string   a call of WorkflowService or OperatorService, or a full "/package.Service/Method"
---@param request table
---@param options { long_poll: boolean?, once: number? }?  long_poll: the server may take a minute, and is asked again;
---  once: one attempt of so many seconds
---@return table response
function rpc.call(method, request, options)
  if not reads(method) then readonly.refuse(method) end
  ready()
  options = options or {}
  return unwrap(native.call(method, request, options.long_poll or false, options.once and options.once * 1000))
end

--- The address of the connected server.
---@return string
function rpc.address()
  ready()
  return native.address()
end

--- The namespace that calls go to.
---@return string
function rpc.namespace()
  ready()
  return native.namespace()
end

return rpc

-- Errors as scripts raise and catch them: a table { type =, message =, ... } that shows as "Type: message".
-- Workflows and activities share them; a Temporal failure has the type's name.
--
--   error(ValueError("no such date"))
--   error(RateLimited { message = "429", retry_after = "30s" })
--   error(ApplicationError { type = "OutOfStock", message = "none left", non_retryable = true })
--
-- ValueError and KeyError are not retried by the default policy; that is the policy's matter, so the
-- objects do not say non_retryable.

local duration = require "duration"
local options = require "options"
local primitives = require "script"

local real_metatable = debug.getmetatable

local M = {}

---@class Error
---@field type string the failure type in Temporal: "ValueError"
---@field message string
---@field non_retryable? boolean true: never retried, whatever the policy says
---@field details? any travels with the failure, as JSON
---@field next_retry_delay_ms? integer overrides the policy's next backoff
---@field cause? any the error that led to this one
---@field stack? string where it was made: one line a frame, "file:line: in ..."

local shape = {
  __tostring = function(err) return ("%s: %s"):format(tostring(err.type), tostring(err.message)) end,
  __metatable = "error",
}

--- Whether a value is an error object, of whatever type.
---@param value any
---@return boolean
function M.is(value)
  return type(value) == "table" and real_metatable(value) == shape
end

--- An error object of any type and with any fields. The stack is the caller's unless given.
---@param kind string its type
---@param fields? table taken over, not copied
---@return Error
function M.new(kind, fields)
  fields = fields or {}
  fields.type, fields.message = kind, fields.message or ""
  fields.stack = fields.stack or primitives.stack()
  return setmetatable(fields, shape)
end

local KNOWN = { message = true, details = true, non_retryable = true, next_retry_delay = true, cause = true }

local function extended(extra)
  local known = {}
  for word in pairs(KNOWN) do known[word] = true end
  for _, word in ipairs(extra) do known[word] = true end
  return known
end

local function from_fields(kind, given, known)
  options.check(given, known, kind)
  local fields = {}
  for word, value in pairs(given) do fields[word] = value end
  local delay = fields.next_retry_delay or fields.retry_after
  if delay ~= nil then fields.next_retry_delay_ms = duration.ms(delay, "the next retry delay of " .. kind) end
  fields.next_retry_delay = nil
  return M.new(fields.type or kind, fields)
end

local function constructor(kind, extra)
  local known = extended(extra or {})
  return function(given)
    if type(given) == "table" and not M.is(given) then return from_fields(kind, given, known) end
    return M.new(kind, { message = given == nil and "" or tostring(given) })
  end
end

--- What scripts find as globals. Each takes a message or a table of message, details, non_retryable,
--- next_retry_delay (a duration) and cause; ApplicationError takes `type` too, RateLimited `retry_after`
--- (seconds or a duration), VendorError and AuthError `status`.
M.constructors = {
  ApplicationError = constructor("ApplicationError", { "type" }),
  AuthError = constructor("AuthError", { "status" }),
  DbError = constructor("DbError", { "sqlstate" }),
  KeyError = constructor("KeyError"),
  RateLimited = constructor("RateLimited", { "retry_after", "status" }),
  TimeoutError = constructor("TimeoutError", { "timeout_type" }),
  ValueError = constructor("ValueError"),
  VendorError = constructor("VendorError", { "status" }),
}
for name, make in pairs(M.constructors) do M[name] = make end

--- Waits that were cancelled raise it.
M.CancelledError = constructor("CancelledError")

--- Anything that was raised, as an error object: a plain error("x") becomes a LuaError.
---@param err any
---@param stack? string where it was raised, when the object does not know
---@return Error
function M.normalize(err, stack)
  if M.is(err) then
    err.stack = err.stack or stack
    return err
  end
  return M.new("LuaError", { message = tostring(err), stack = stack })
end

return M

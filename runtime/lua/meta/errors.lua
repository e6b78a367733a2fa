---@meta
-- What an editor knows about errors of scripts. The module itself is runtime/lua/errors.lua.
--
-- An error is a table with a type and a message; it shows as "Type: message". A Temporal failure has the type's
-- name, so a workflow in another language, or a retry policy, knows it too. Raise with `error(...)`, catch with
-- `pcall`. A plain error("x") is of type LuaError: an activity is retried, a workflow's task fails until the code
-- is mended.

---What every constructor takes besides a plain message.
---@class ErrorFields
---@field message? string
---@field details? any travels with the failure, as JSON
---@field non_retryable? boolean true: never retried, whatever the policy says
---@field next_retry_delay? string|number a duration ("30s") or seconds; overrides the policy's next backoff
---@field cause? any the error that led to this one

---@class RateLimitedFields: ErrorFields
---@field retry_after? string|number a duration or seconds: the same as next_retry_delay
---@field status? integer of the HTTP response

---@class VendorErrorFields: ErrorFields
---@field status? integer of the HTTP response

---@class DbErrorFields: ErrorFields
---@field sqlstate? string PostgreSQL's code

---@class ApplicationErrorFields: ErrorFields
---@field type? string any type of your own; default "ApplicationError"

---@class TimeoutErrorFields: ErrorFields
---@field timeout_type? string which timeout: "start_to_close", "heartbeat", ...

---A value that is wrong and stays wrong. Not retried by the default policy.
---@param message string|ErrorFields
---@return Error
function ValueError(message) end

---Something asked for by name that is not there. Not retried by the default policy.
---@param message string|ErrorFields
---@return Error
function KeyError(message) end

---Credentials that were refused.
---@param message string|VendorErrorFields
---@return Error
function AuthError(message) end

---A vendor that asks for patience: `RateLimited { message = "429", retry_after = 30 }`.
---@param message string|RateLimitedFields
---@return Error
function RateLimited(message) end

---A vendor that failed or answered nonsense.
---@param message string|VendorErrorFields
---@return Error
function VendorError(message) end

---Something that took too long.
---@param message string|TimeoutErrorFields
---@return Error
function TimeoutError(message) end

---The database refused or went away.
---@param message string|DbErrorFields
---@return Error
function DbError(message) end

---An error of any type: `ApplicationError { type = "OutOfStock", message = "none left", non_retryable = true }`.
---@param message string|ApplicationErrorFields
---@return Error
function ApplicationError(message) end

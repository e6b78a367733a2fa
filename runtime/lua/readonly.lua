-- Read-only mode: with SIGNALROOM_READONLY=1 nothing that we do changes anything outside of this machine's files. It is held where
-- all ways lead through: calls to Temporal (rpc), statements (activity.pg), requests (activity.http), and the start of a worker.

local errors = require "errors"

local OFF = { ["0"] = true, ["false"] = true, ["no"] = true, ["off"] = true }

local readonly = {}

--- Whether the mode is on.
---@return boolean
function readonly.on()
  local value = os.getenv "SIGNALROOM_READONLY" or ""
  return value ~= "" and not OFF[value:lower()]
end

--- An error of the mode, for what was to be done.
---@param what string  "DELETE /v1/x"
---@return Error
function readonly.error(what)
  return errors.new("ReadOnlyError", { non_retryable = true, message = what .. " is refused: SIGNALROOM_READONLY is set" })
end

--- Raises ReadOnlyError when the mode is on.
---@param what string
function readonly.refuse(what)
  if readonly.on() then error(readonly.error(what), 0) end
end

return readonly

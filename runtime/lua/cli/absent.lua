-- What is asked for by a name that nothing has: an error that names what may have been meant, and how to list what there is.

local errors = require "errors"
local nearest = require "nearest"

--- Raises it.
---@param kind string "schedule"
---@param name string
---@param there string[] the names that there are
---@param command string what lists them: "schedules list"
return function(kind, name, there, command)
  local close = nearest.word(name, there)
  error(errors.new("NotFoundError", { non_retryable = true, hint = "List what is there: signalroom " .. command .. ".",
    message = ("there is no %s %s%s"):format(kind, name, close and ("; did you mean %s?"):format(close) or "") }), 0)
end

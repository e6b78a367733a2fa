-- The function `secret` of scripts.

local errors = require "errors"
local native = require "native.secret"

--- A secret by name: the environment variable NAME, or the file that NAME_FILE names. It never shows in logs and
--- errors. Raises KeyError, which is not retried, when neither is set.
---@param name string
---@return string
return function(name)
  return native.secret(name)
    or error(errors.KeyError(("the secret %s is not set: set %s, or %s_FILE to a file that holds it"):format(name, name, name)), 0)
end

-- The function `setting` of scripts.

local errors = require "errors"
local native = require "native.secret"

--- A setting by name: the environment variable NAME, else the default. Raises KeyError, which is not retried, when it
--- is not set and has no default.
---@param name string
---@param default? string
---@return string
return function(name, default)
  local value = native.setting(name)
  if value ~= nil then return value end
  if default ~= nil then return default end
  error(errors.KeyError(("the setting %s is not set"):format(name)), 0)
end

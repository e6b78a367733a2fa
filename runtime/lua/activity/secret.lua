<<<<<<< HEAD
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
=======
-- Settings and secrets, from the environment or from files beside it (NAME_FILE names one). A secret is masked from then on
-- wherever it would be shown; only activities see it.

local errors = require "errors"
local native = require "native.words"

local words = {}

local function from_file(name)
  local path = os.getenv(name .. "_FILE")
  if not path or path == "" then return nil end
  local text, problem = native.read(path)
  if not text then error(errors.KeyError(("%s_FILE=%s: %s"):format(name, path, problem)), 0) end
  return (text:gsub("[\r\n]+$", ""))
end

local function find(name)
  local value = os.getenv(name)
  if value and value ~= "" then return value end
  return from_file(name)
end

--- A setting that is no secret.
---@param name string       the environment variable
---@param default? string   without it, a missing setting is a KeyError
---@return string
function words.setting(name, default)
  local value = find(name)
  if value == nil then value = default end
  if value == nil then error(errors.KeyError(("%s is not set"):format(name)), 0) end
  return value
end

--- A secret. It is masked in logs, errors and output from then on.
---@param name string  the environment variable, or NAME_FILE with the path of a file that holds it
---@return string      raises KeyError when there is none
function words.secret(name)
  local value = find(name)
  if value == nil then
    error(errors.KeyError(("%s is not set: put it into the environment, or its file's path into %s_FILE"):format(name, name)), 0)
  end
  native.hide(value)
  return value
end

return words
>>>>>>> 0b3dcd2 (activity: Files, hashes, log lines and secrets for scripts)

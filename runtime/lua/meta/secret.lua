---@meta secret
-- What an editor knows about `secret` and `setting`. They are runtime/lua/activity/secret.lua and setting.lua. For
-- activities, and for the top level of their scripts: they never wait.

---A secret by name: the environment variable NAME, or the file that NAME_FILE names. From then on it is "***" in logs
---and errors (when it has 6 characters or more). Raises KeyError, which is not retried, when neither is set.
---@param name string
---@return string
function secret(name) end

---A setting by name: the environment variable NAME, else the default. Raises KeyError, which is not retried, when it is
---not set and has no default.
---@param name string
---@param default? string
---@return string
function setting(name, default) end

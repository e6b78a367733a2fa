-- The retry policy of the scripts: can the longest delay that it names ever come?

local errors = require "errors"
local host = require "cli.host"
local retry = require "cli.retry"

--- Checks the policy of the scripts below a folder; scripts without one have Temporal's.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
---@param place { scripts: string }
return function(say, place)
  if not host.exists(place.scripts .. "/workflows/retry.lua") then return end
  local ok, about = pcall(retry.read, place.scripts)
  if not ok then return say("fail", "retry", errors.normalize(about).message, "mend the line") end
  local found = ("%s attempts, waiting %s"):format(about.policy.attempts, retry.list(about.delays_ms))
  if not about.unreachable or about.policy.attempts == 0 then return say("ok", "retry", found) end
  say("warn", "retry", ("%s: the longest delay, %s, is never reached"):format(found, about.policy.max),
    ("raise attempts or lower max in %s, or let it be"):format(about.place))
end

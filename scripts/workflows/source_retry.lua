-- How often the sync of a source is tried: as retry.lua says, but for what stands here, as in redtrack = { attempts = 8, max = "1m" }.
local SOURCES = {}

local RETRY = require "workflows.retry"

return function(name)
  local policy = {}
  for key, value in pairs(RETRY) do policy[key] = value end
  for key, value in pairs(SOURCES[name] or {}) do policy[key] = value end
  return policy
end

-- Settings that the scripts read: are those that are set plausible?

local asked = require "cli.asked"
local sorted_keys = require "sorted_keys"

local function quoted(value)
  local first = value:sub(1, 1)
  return #value > 1 and (first == '"' or first == "'") and value:sub(-1) == first
end

-- What is wrong with a value, and the fix; nil when nothing is.
local function fault(name, value)
  if value:find "^%s" or value:find "%s$" then return "begins or ends with white space", "cut it off" end
  if quoted(value) then return "is in quotation marks, which are part of the value", "take them off" end
  if name:find "_URL$" and not value:find "^https?://[^/%s]+" then
    return "is no address", "write https://HOST or http://HOST:PORT, without a path's last /"
  end
end

--- Checks what the scripts below a folder read from the environment.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
---@param place { scripts: string }
return function(say, place)
  local list, set, bad = sorted_keys(asked(place.scripts)), 0, 0
  for _, name in ipairs(list) do
    local value = os.getenv(name)
    if value and value ~= "" then
      set = set + 1
      local found, fix = fault(name, value)
      if found then say("fail", "setting", ("%s %s"):format(name, found), fix) end
      bad = found and bad + 1 or bad
    end
  end
  if bad == 0 then say("ok", "settings", ("%d of %d that the scripts read are set"):format(set, #list)) end
end

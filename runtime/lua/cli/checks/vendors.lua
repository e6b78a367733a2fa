-- Vendors: every source asks its vendor one cheap question (`probe`), which shows that address and key are right.

local errors = require "errors"
local scripts = require "cli.scripts"
local sync = require "sync"

local FIXES = {
  AuthError = "the vendor refuses the key: put the right one into the worker's environment",
  NetworkError = "is the address right, is the vendor up?",
  TimeoutError = "is the address right, is the vendor up?",
  RateLimited = "ask again in a minute",
}

local function ask(say, name)
  local what = "vendor " .. name
  local ok, found, unset = pcall(sync.probe, name)
  if not ok then
    local err = errors.normalize(found)
    return say("fail", what, ("%s: %s"):format(err.type, err.message), FIXES[err.type] or "ask the vendor; the message is its own")
  end
  if #unset > 0 then
    return say("warn", what, ("not asked, unset: %s"):format(table.concat(unset, ", ")),
      ("set it; or, when the source is not used, remove scripts/activities/%s.lua"):format(name))
  end
  say("ok", what, found and tostring(found) or "has no probe")
end

--- Asks the vendor of every source below a folder.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
---@param place { scripts: string }
return function(say, place)
  scripts.root = place.scripts
  scripts.load()
  for _, name in ipairs(sync.names()) do ask(say, name) end
end

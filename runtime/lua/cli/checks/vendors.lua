-- Vendors: every source asks its vendor one cheap question (`probe`), which shows that address and key are right.

local probes = require "cli.checks.probes"
local scripts = require "cli.scripts"
local sync = require "sync"

local FIXES = {
  AuthError = "the vendor refuses the key: put the right one into the worker's environment",
  [""] = "ask the vendor; the message is its own",
}

local function ask(say, name)
  local what = "vendor " .. name
  local ok, found, unset = pcall(sync.probe, name)
  if not ok then return say("fail", what, probes.complaint(found, FIXES)) end
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
  local questions = {}
  for i, name in ipairs(sync.names()) do
    questions[i] = function(answer) ask(answer, name) end
  end
  probes.run(say, questions)
end

-- The scripts folder, as `signalroom check` sees it: does every file compile, does every report load?

local errors = require "errors"
local file = require "activity.file"
local loader = require "report.folder"
local host = require "cli.host"
local report = require "report"

local FOLDERS = { "workflows", "activities", "reports" }

-- Files that compile; each of the others is said.
local function compile(say, folder)
  local good, bad = 0, 0
  for _, entry in ipairs(file.list(folder)) do
    local path = folder .. "/" .. entry.name
    if entry.name:sub(-4) == ".lua" then
      local chunk, problem = loadstring(file.read(path), "@" .. path)
      if chunk then good = good + 1 else bad = bad + 1 end
      if not chunk then say("fail", "script", problem, "mend the line; workers refuse to start with it") end
    end
  end
  return good, bad
end

-- Their templates and parameters as well.
local function load_reports(say, root)
  local ok, problem = pcall(loader.load, root)
  if ok then return say("ok", "reports", ("%d, with their templates"):format(#report.names())) end
  say("fail", "reports", errors.normalize(problem).message, "mend the line; workers refuse to start with it")
end

--- Checks the scripts below a folder.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
---@param place { scripts: string }
return function(say, place)
  local root = place.scripts
  if not host.exists(root) then
    return say("fail", "scripts", root .. " is not there", "name the folder: --scripts DIR")
  end
  local good, bad = 0, 0
  for _, name in ipairs(FOLDERS) do
    if host.exists(root .. "/" .. name) then
      local more, worse = compile(say, root .. "/" .. name)
      good, bad = good + more, bad + worse
    end
  end
  if bad == 0 then say(good > 0 and "ok" or "warn", "scripts", ("%d files compile"):format(good), good == 0 and "write one" or nil) end
  if bad == 0 and host.exists(root .. "/reports") then load_reports(say, root) end
end

-- Room for what waits outside of memory: large fetches are spooled to the folder of temporary files.

local host = require "cli.host"

local LITTLE, NOTHING = 1024, 64 -- MiB

--- Checks the folder of temporary files.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
return function(say)
  local folder = os.getenv "TMPDIR" or "/var/tmp" -- as file.spool has it
  local free = math.floor(host.free_bytes(folder) / 1024 / 1024)
  local found = ("%d MiB free in %s"):format(free, folder)
  local fix = "make room there, or name another folder by TMPDIR"
  if free < NOTHING then return say("fail", "disk", found, fix) end
  if free < LITTLE then return say("warn", "disk", found, fix) end
  say("ok", "disk", found)
end

-- Environments: what a script finds under a name. They are strict: to read or write a global that nobody
-- defined is an error that names the line. Here is the one that all scripts of a VM for activities or tools
-- share; runs of workflows have one each (sandbox/private.lua).

local errors = require "errors"
local libraries = require "sandbox.libraries"
local primitives = require "script"

local place = primitives.place

local M = {}

--- Raises for a global that is not there.
---@param name any
---@param why? string what to do instead
function M.undefined(name, why)
  error(("%s: there is no global '%s'%s"):format(place(), tostring(name),
    why and ": " .. why or "; is it misspelt, or is a `local` or a `require` missing?"), 0)
end

--- __newindex of every environment.
function M.assigned(_, name)
  error(("%s: assignment to the global '%s'; declare it with `local`"):format(place(), tostring(name)), 0)
end

--- The globals of every script, without the libraries.
---@return table
function M.globals()
  local globals = {}
  for name, value in pairs(libraries.base) do globals[name] = value end
  for name, constructor in pairs(errors.constructors) do globals[name] = constructor end
  return globals
end

-- --- activities and tools ---

local HINTS = {
  io = "use `file`", ffi = "it could crash the worker", jit = "it is off", dofile = "use require", loadfile = "use require",
  package = "use require", getfenv = "every script has the same environment", setfenv = "use load",
}

-- Without what would stop or slow the collection of the whole VM.
local function collect(what)
  if what ~= nil and what ~= "collect" and what ~= "count" then
    error(("%s: collectgarbage(\"%s\") is not available here"):format(place(), tostring(what)), 0)
  end
  return collectgarbage(what)
end

local function script_globals()
  local globals = M.globals()
  for name, library in pairs(libraries.library) do globals[name] = library end
  globals._G, globals.require, globals.print, globals.collectgarbage = globals, require, print, collect
  globals.pairs, globals.next = pairs, next
  if primitives.kind == "tool" then
    globals.io, globals.os, globals.debug = io, os, debug
  else
    globals.os.clock, globals.os.getenv = os.clock, os.getenv
    globals.debug = { traceback = debug.traceback }
  end
  return setmetatable(globals, {
    __newindex = M.assigned,
    __index = function(_, name) M.undefined(name, HINTS[name]) end,
  })
end

--- The environment of scripts, where runs do not have their own.
M.script = primitives.kind == "workflow" and {} or script_globals()

return M

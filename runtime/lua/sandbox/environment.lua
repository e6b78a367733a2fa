-- Environments: what a script finds under a name. Everything is strict: to read or write a global that
-- nobody defined is an error that names the line.
--
-- Each run of a workflow has its own: an empty table in front of what all share, and an empty table in
-- front of each library, with locked metatables. So a script may change what it sees, and nobody else
-- sees it.

local errors = require "errors"
local forbidden = require "sandbox.forbidden"
local libraries = require "sandbox.libraries"
local primitives = require "script"

local place = primitives.place
local LOCKED = "locked"
local LIBRARIES = { "bit", "coroutine", "math", "os", "string", "table" }

local M = {}

local function refuse(name, why)
  local here = place()
  error(errors.new("RestrictedWorkflowAccessError", {
    message = ("%s is not available in workflows%s: %s"):format(name, here ~= "" and " (" .. here .. ")" or "", why),
  }), 0)
end

local function undefined(name)
  error(("%s: there is no global '%s'; is it misspelt, or is a `local` or a `require` missing?")
    :format(place(), tostring(name)), 0)
end

local function assigned(_, name)
  error(("%s: assignment to the global '%s'; declare it with `local`"):format(place(), tostring(name)), 0)
end

-- A stand-in for a module that is not there: http.get names itself when it is looked up.
local function absent(module, why)
  local function touch(_, field) refuse(module .. "." .. tostring(field), why) end
  return setmetatable({}, {
    __index = touch, __newindex = touch, __metatable = LOCKED, __call = function() refuse(module, why) end,
  })
end

local function guard(library)
  local fields = forbidden.fields[library]
  return fields and function(_, field)
    local why = fields[field]
    if why then refuse(library .. "." .. field, why) end
  end
end

-- --- workflows ---

local fronts = {}
for _, library in ipairs(LIBRARIES) do
  local behind = setmetatable(libraries[library], { __index = guard(library) })
  fronts[library] = { __index = behind, __metatable = LOCKED }
end

local function shared_globals()
  local shared = {}
  for name, value in pairs(libraries.base) do shared[name] = value end
  for name, constructor in pairs(errors.constructors) do shared[name] = constructor end
  for module, why in pairs(forbidden.modules) do shared[module] = absent(module, why) end
  return setmetatable(shared, { __index = function(_, name)
    local why = forbidden.names[name]
    if why then refuse(name, why) end
    undefined(name)
  end })
end

--- What all runs share.
M.shared = shared_globals()

local front = { __index = M.shared, __newindex = assigned, __metatable = LOCKED }

--- The private environment of a run.
---@return table
function M.new()
  local fresh = {
    bit = setmetatable({}, fronts.bit), coroutine = setmetatable({}, fronts.coroutine),
    math = setmetatable({}, fronts.math), os = setmetatable({}, fronts.os),
    string = setmetatable({}, fronts.string), table = setmetatable({}, fronts.table),
  }
  fresh._G = fresh
  return setmetatable(fresh, front)
end

--- An empty table that reads through to another and cannot change it.
---@param behind table
---@return table
function M.proxy(behind)
  return setmetatable({}, { __index = behind, __metatable = LOCKED })
end

-- --- activities and tools ---

local ACTIVITY_HINTS = {
  io = "use `file`", debug = "only debug.traceback is there", ffi = "it could crash the worker", jit = "it is off",
  dofile = "use require", loadfile = "use require",
}

local function script_globals()
  local shared = {}
  for name, value in pairs(libraries.base) do shared[name] = value end
  for name, constructor in pairs(errors.constructors) do shared[name] = constructor end
  for _, library in ipairs(LIBRARIES) do shared[library] = libraries[library] end
  shared._G, shared.require, shared.print = shared, require, print
  shared.pairs, shared.next = pairs, next
  shared.collectgarbage = collectgarbage
  if primitives.kind == "tool" then
    shared.io, shared.os, shared.debug = io, os, debug
  else
    shared.os.clock, shared.os.getenv = os.clock, os.getenv
    shared.debug = { traceback = debug.traceback }
  end
  return setmetatable(shared, {
    __newindex = assigned,
    __index = function(_, name)
      local hint = ACTIVITY_HINTS[name]
      if hint then error(("%s: '%s' is not available here: %s"):format(place(), name, hint), 0) end
      undefined(name)
    end,
  })
end

--- The environment of scripts in a VM for activities or for tools.
M.script = primitives.kind == "workflow" and {} or script_globals()

return M

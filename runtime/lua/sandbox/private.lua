-- The environment of one run of a workflow: an empty table in front of what all runs share, and an empty
-- table in front of each library, with locked metatables. So a script may change what it sees, and no other
-- run sees it. What a workflow must not use names itself, the line and the way out.

local environment = require "sandbox.environment"
local errors = require "errors"
local forbidden = require "sandbox.forbidden"
local libraries = require "sandbox.libraries"
local place = require("script").place

local LOCKED = "locked"

local M = {}

--- Raises for what a workflow must not use.
---@param name string
---@param why string and what to do instead
local function refuse(name, why)
  local here = place()
  error(errors.new("RestrictedWorkflowAccessError", {
    message = ("%s is not available in workflows%s: %s"):format(name, here ~= "" and " (" .. here .. ")" or "", why),
  }), 0)
end

M.refuse = refuse

-- Loads text into the run's environment; bytecode could do anything.
local function load_text(source, ...)
  if type(source) == "string" and source:byte() == 27 then refuse("bytecode", "only text can be loaded") end
  return libraries.base.load(source, ...)
end

-- A stand-in for a module that is not there: http.get names itself when it is looked up. All runs share it,
-- so it is a userdata: rawset does not take it.
local function absent(module, why)
  local stand_in = newproxy(true)
  local shape = getmetatable(stand_in)
  local function touch(_, field) refuse(module .. "." .. tostring(field), why) end
  shape.__index, shape.__newindex, shape.__metatable = touch, touch, LOCKED
  shape.__call = function() refuse(module, why) end
  return stand_in
end

local function guard(library)
  local fields = forbidden.fields[library]
  return fields and function(_, field)
    if fields[field] then refuse(library .. "." .. field, fields[field]) end
  end
end

--- What all runs share.
M.shared = environment.globals()
M.shared.load, M.shared.loadstring = load_text, load_text
for module, why in pairs(forbidden.modules) do M.shared[module] = absent(module, why) end
setmetatable(M.shared, { __index = function(_, name)
  if forbidden.names[name] then refuse(name, forbidden.names[name]) end
  environment.undefined(name)
end })

local front = { __index = M.shared, __newindex = environment.assigned, __metatable = LOCKED }
local library_fronts = {}
for name, library in pairs(libraries.library) do
  library_fronts[name] = { __index = setmetatable(library, { __index = guard(name) }), __metatable = LOCKED }
end

--- The environment of a new run.
---@return table
function M.new()
  local fresh = {}
  for name, library_front in next, library_fronts do fresh[name] = setmetatable({}, library_front) end
  fresh._G = fresh
  return setmetatable(fresh, front)
end

--- An empty table that reads through to another and cannot change it.
---@param behind table
---@return table
function M.proxy(behind)
  return setmetatable({}, { __index = behind, __metatable = LOCKED })
end

return M

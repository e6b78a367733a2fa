-- The first Lua that a VM runs. C hands it the primitives (runtime/script/primitives.c); it makes
-- `require`, the libraries and the environment of scripts, and returns the last two to C.

local primitives = ...

local M = {}

--- "file:line" of the nearest script frame of a coroutine, "" when there is none.
---@param co? thread|integer default: the running one; a number: the running one, from that level on, which
---saves the looking where it is known how many frames of the library come first
---@return string
M.place = primitives.place

--- One line a script frame, innermost first: "file:line: in function 'name'". For the running coroutine it
--- goes on through the coroutines that resumed it.
---@param co? thread default: the running one
---@return string
M.stack = primitives.stack

local LOADING = {}
local modules = { script = primitives, sandbox = M }

--- What the module returns; it runs once. Modules are the embedded library ("errors"), C modules and scripts
--- ("activities.money" is the file activities/money.lua).
---@param name string
---@return any
local function require(name)
  local value = modules[name]
  if value == LOADING then error(("module '%s' requires itself"):format(name), 2) end
  if value ~= nil then return value end
  local load = primitives.find_module(name)
  if not load then error(("there is no module '%s'"):format(tostring(name)), 2) end
  modules[name] = LOADING
  local ok
  ok, value = pcall(load, name)
  modules[name] = nil
  if not ok then error(value, 0) end
  modules[name] = value == nil or value
  return modules[name]
end

rawset(_G, "require", require)
require "sandbox.libraries"
return require("sandbox.environment").script, require

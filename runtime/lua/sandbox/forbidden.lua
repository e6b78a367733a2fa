-- Names that scripts of workflows may expect and do not have: why, and what to do instead.

local IO = "a workflow has no files, network or processes; call an activity from the workflow"
local ACTIVITY = "%s is for activities; call an activity from the workflow"
local ENGINE = "it would show or change what differs between a run and its replay"
local LOADED = "scripts are loaded by name from the bundle; use require"

local M = {}

--- Modules: any use of a field raises.
M.modules = {
  io = IO, debug = ENGINE, jit = ENGINE, ffi = ENGINE, package = LOADED, cjson = "use json, whose texts are the same everywhere",
}
for name in ("http pg csv pages file crypto secret setting"):gmatch("%S+") do M.modules[name] = ACTIVITY:format(name) end

--- Functions: to read the name raises.
M.names = {
  collectgarbage = ENGINE, gcinfo = ENGINE, getfenv = ENGINE, setfenv = ENGINE, newproxy = ENGINE,
  dofile = LOADED, loadfile = LOADED, module = LOADED,
  print = "use workflow.log, which is silent in replay",
}

--- Fields of libraries that are there.
M.fields = {
  os = {
    execute = IO, remove = IO, rename = IO, tmpname = IO, exit = "a workflow ends by returning or by error()",
    getenv = "the environment differs between workers; pass the value in the input or read it in an activity",
    setlocale = ENGINE,
  },
  string = { dump = "only text can be loaded, so there is no use for bytecode" },
  table = { foreach = "use pairs, whose order is fixed", foreachi = "use ipairs" },
}

return M

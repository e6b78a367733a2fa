-- What cell.c calls for each run: makes its environment and the `host` that the workflow library talks to.

local forbidden = require "sandbox.forbidden"
local primitives = require "script"
local private = require "sandbox.private"

local set_environment, current = primitives.set_environment, primitives.current

local LOADING = {}

-- One table for all runs; what belongs to a run is in its own `host`.
local shared = {
  set_now = primitives.set_now, seed = primitives.seed, random = primitives.random_double, uuid4 = primitives.uuid4,
  mark = primitives.mark, rewind = primitives.rewind, proxy = private.proxy,
}

local function load(host, script)
  local name = script.module
  local value = host.modules[name]
  if value == LOADING then error(("'%s' requires itself"):format(name), 0) end
  if value == nil then
    host.modules[name] = LOADING
    value = set_environment(script.chunk, host.env)()
    if value == nil then value = true end
    host.modules[name] = value
  end
  return value
end

--- Runs the top level of every script of the bundle, once, in this run's environment.
function shared.run_bundle()
  local host = current()
  for _, script in ipairs(host.bundle) do load(host, script) end
end

--- `require` of scripts: what the bundle's scripts return, and what the library offers in host.modules.
---@param name string
---@return any
local function require_script(name)
  local host = current()
  local value = host.modules[name]
  if value ~= nil and value ~= LOADING then return value end
  for _, script in ipairs(host.bundle) do
    if script.module == name then return load(host, script) end
  end
  local why = forbidden.modules[name]
  if why then private.refuse(("module '%s'"):format(name), why) end
  error(("there is no module '%s' in this bundle"):format(tostring(name)), 2)
end
rawset(private.shared, "require", require_script)

local behind = { __index = shared }

--- Makes a run in the running coroutine.
---@param bundle table list of { module =, chunk = } in order of loading
---@param new_run fun(env: table, host: table): function the workflow library
---@return function activate
return function(bundle, new_run)
  local env = private.new()
  local host = setmetatable({ env = env, bundle = bundle, modules = {} }, behind)
  primitives.adopt(host, env)
  return new_run(env, host)
end

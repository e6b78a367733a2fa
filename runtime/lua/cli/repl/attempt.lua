-- An activity task for code that asks for its task (sync.run does), where no server gave one. In a VM of the command
-- line no task ever runs, so that the three questions of native.task can be answered here while `run` lasts.

local converter = require "converter"
local crypto = require "native.crypto"
local native = require "native.task"

local attempt = {}

local own = { state = native.state, heartbeat = native.heartbeat }

local function poll(name)
  return { activity_type = { name = name }, activity_id = "repl", attempt = 1,
    workflow_execution = { workflow_id = "repl", run_id = crypto.uuid() } }
end

local function close_all(state)
  for thing in pairs(state.open) do pcall(thing.close, thing) end
end

local function finish(state, ok, ...)
  native.state, native.heartbeat = own.state, own.heartbeat
  close_all(state)
  if not ok then error((...), 0) end
  return ...
end

--- Calls fn as the attempt of an activity.
---@param name string the activity's
---@param beat fun(details: any) given what each heartbeat says
---@param fn fun(...): any
---@param ... any
---@return any ...
function attempt.run(name, beat, fn, ...)
  local state = { poll = poll(name), open = {} }
  native.state = function() return state end
  native.heartbeat = function(payloads) beat((converter.decode_list(payloads))[1]) end
  return finish(state, pcall(fn, ...))
end

return attempt

-- The Temporal server: does it answer, is there the namespace, who polls the queue?

local errors = require "errors"
local output = require "cli.output"
local rpc = require "rpc"

local PATIENCE = 5 -- seconds for each answer

local function ask(say, name, method, request, fix)
  local ok, reply = pcall(rpc.call, method, request, { once = PATIENCE })
  if ok then return reply end
  local err = errors.normalize(reply)
  say("fail", name, err.message, fix)
end

local function pollers(say, queue, kind)
  local what = ("%s pollers"):format(kind:lower())
  local reply = ask(say, what, "DescribeTaskQueue", { task_queue = { name = queue }, task_queue_type = "TASK_QUEUE_TYPE_" .. kind },
    "look at the server's log")
  if not reply then return end
  local list = reply.pollers or {}
  if #list == 0 then
    say("warn", what, ("nobody polls %s"):format(queue), "start a worker: signalroom worker --queue " .. queue)
    return
  end
  say("ok", what, ("%d on %s, such as %s, last seen %s"):format(#list, queue, list[1].identity or "?",
    output.time(list[1].last_access_time)))
end

--- Checks the connected server.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
---@param place { queue: string }
---@return boolean? online
return function(say, place)
  local system = ask(say, "temporal", "GetSystemInfo", {}, "start it: signalroom dev; or set TEMPORAL_ADDRESS")
  if not system then return end
  say("ok", "temporal", ("server %s at %s"):format(system.server_version or "?", rpc.address()))
  local space = ask(say, "namespace", "DescribeNamespace", { namespace = rpc.namespace() },
    "set TEMPORAL_NAMESPACE to one that is there, or ask for rights to it")
  if not space then return end
  say("ok", "namespace", rpc.namespace())
  pollers(say, place.queue, "WORKFLOW")
  pollers(say, place.queue, "ACTIVITY")
  return true
end

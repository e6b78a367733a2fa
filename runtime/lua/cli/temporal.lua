-- A Temporal dev server for development: the real server, one process, its data in the state folder.

local activity = require "activity.api"
local errors = require "errors"
local host = require "cli.host"
local places = require "cli.places"
local rpc = require "rpc"

local temporal = {}

local function await_ready(process, address)
  local problem
  for _ = 1, 300 do
    local ok
    ok, problem = pcall(function()
      rpc.connect { address = address, namespace = "default" }
      rpc.call("DescribeNamespace", { namespace = "default" })
    end)
    if ok then return end
    if process:ended() then break end
    activity.sleep(0.1)
  end
  error(errors.new("ConfigError", { cause = errors.normalize(problem),
    message = "the Temporal dev server did not start: " .. process:output():sub(-600) }), 0)
end

--- Starts the server on free ports; the web UI too unless headless.
---@param state string
---@param options { headless: boolean?, port: integer? }
---@return { address: string, ui: string?, process: userdata }
function temporal.start(state, options)
  host.make_folder(state, "0755")
  local port = options.port or host.free_port()
  local argv = { places.temporal(), "server", "start-dev", "--ip", "127.0.0.1", "--port", tostring(port), "--log-level", "error",
    "--db-filename", state .. "/temporal.db" }
  local ui
  if options.headless then
    argv[#argv + 1] = "--headless"
  else
    local ui_port = host.free_port()
    argv[#argv + 1], argv[#argv + 2] = "--ui-port", tostring(ui_port)
    ui = "http://127.0.0.1:" .. ui_port
  end
  local process = host.spawn { argv = argv, capture = true, die_with_parent = "SIGTERM", server = true }
  local address = "127.0.0.1:" .. port
  await_ready(process, address)
  return { address = address, ui = ui, process = process, name = "Temporal", stop_signal = "SIGTERM" }
end

return temporal

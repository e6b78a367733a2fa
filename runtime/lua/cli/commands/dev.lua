-- Development mode: everything that a sync needs, in one command, and nothing of it left behind.

local exits = require "cli.exits"
local file = require "activity.file"
local host = require "cli.host"
local neighbour = require "cli.neighbour"
local output = require "cli.output"
local places = require "cli.places"
local postgres = require "cli.postgres"
local reloads = require "cli.reloads"
local readonly = require "readonly"
local rpc = require "rpc"
local serve = require "cli.serve"
local temporal = require "cli.temporal"

local STOP_SECONDS = 10

local function server_is_named(given)
  return given.address or given.profile or given.config_file or os.getenv "TEMPORAL_ADDRESS" or os.getenv "TEMPORAL_PROFILE"
end

local function database_is_named()
  return os.getenv "DATABASE_URL" or os.getenv "SUPABASE_DB_HOST"
end

local function stop(servers)
  for i = #servers, 1, -1 do
    local server = servers[i]
    server.process:kill(server.stop_signal)
    if server.process:wait(STOP_SECONDS) == nil then
      server.process:kill "SIGKILL"
      server.process:wait()
    end
  end
end

local function start_servers(given, servers)
  local state = places.state(given.state)
  if server_is_named(given) then
    rpc.connect { address = given.address, namespace = given.namespace, profile = given.profile, config_file = given.config_file }
  else
    output.note "Starting a Temporal dev server..."
    local server = temporal.start(state, { headless = given.headless, port = given.port })
    servers[#servers + 1] = server
    host.set_environment("TEMPORAL_ADDRESS", server.address)
    host.set_environment("TEMPORAL_NAMESPACE", "default")
    host.set_environment("TEMPORAL_UI_ADDRESS", server.ui or "none")
  end
  if not database_is_named() then
    output.note "Starting a private PostgreSQL cluster..."
    local server = postgres.start(state)
    servers[#servers + 1] = server
    host.set_environment("DATABASE_URL", server.url)
  end
  require("sync.schema").migrate()
  return state
end

-- Commands find us by themselves in the usual state folder.
local function print_links(state, given)
  local named = given.state and " --address " .. rpc.address() or ""
  output.note("\n  Temporal   %s   namespace %s", rpc.address(), rpc.namespace())
  local ui = os.getenv "TEMPORAL_UI_ADDRESS"
  if ui and ui ~= "none" then output.note("  Web UI     %s", ui) end
  output.note("  Database   psql \"$(cat %s/database.url)\"", state)
  output.note("  Scripts    %s\n", given.scripts or "scripts")
  output.note("  Try in another terminal: signalroom check%s; signalroom trigger everflow -w%s\n  Stop with Ctrl-C.\n", named, named)
end

local function work(given, servers)
  local state = start_servers(given, servers)
  local url = os.getenv "DATABASE_URL"
  host.make_folder(state, "0755")
  given.log_file = given.log_file or places.log(state)
  if url then
    file.write(state .. "/database.url", url .. "\n")
    host.own(state .. "/database.url", nil, "0600")
  end
  neighbour.announce(state)
  local running = serve.start(given, { hears_reloads = true })
  if given.command then
    local code = running:attend(host.spawn { argv = given.command }, reloads.say)
    running:drain()
    running:wait(reloads.say)
    return code
  end
  print_links(state, given)
  running:wait(reloads.say)
  return exits.ok
end

local spec = {
  { name = "state", value = "DIR", about = "where servers keep their data; the user's state folder unless given" },
  { name = "headless", about = "no web UI" },
  { name = "port", value = "N", is = "count", about = "port of the Temporal dev server; a free one unless given" },
}
for _, option in ipairs(serve.options) do spec[#spec + 1] = option end

return {
  name = "dev", alone = true, takes_command = true, usage = "dev [--state DIR] [-- COMMAND...]", options = spec,
  about = "everything in one: Temporal, PostgreSQL, and a worker on ./scripts",
  details = "Starts a Temporal dev server unless TEMPORAL_ADDRESS or a profile names one, and a private PostgreSQL cluster\n"
    .. "unless DATABASE_URL or SUPABASE_DB_HOST names a database; migrates it; runs the worker. After -- it runs COMMAND\n"
    .. "with TEMPORAL_ADDRESS and DATABASE_URL set, then stops everything and exits with the command's code. What each save of\n"
    .. "a script did is said on stderr.",
  run = function(given)
    readonly.refuse "Development mode, which runs a worker,"
    local servers = {}
    local ok, result = pcall(work, given, servers)
    stop(servers)
    neighbour.leave(places.state(given.state))
    if not ok then error(result, 0) end
    return result
  end,
}

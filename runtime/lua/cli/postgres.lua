-- A private PostgreSQL cluster for development: made once, started and stopped with `signalroom dev`.
--
-- PostgreSQL refuses to run as root; then it runs as the user postgres. It listens on loopback with a
-- password that lies in the state folder, so that psql and other tools can connect too.

local activity = require "activity.api"
local crypto = require "native.crypto"
local errors = require "errors"
local file = require "activity.file"
local host = require "cli.host"
local pg = require "activity.pg"
local places = require "cli.places"

local postgres = {}

local function need_user()
  if host.user_id() ~= 0 then return nil end
  if host.has_user "postgres" then return "postgres" end
  error(errors.new("ConfigError", { non_retryable = true,
    message = "PostgreSQL does not run as root and there is no user postgres: install postgresql-15, or set DATABASE_URL" }), 0)
end

local function run(argv, owner)
  local process = host.spawn { argv = argv, user = owner, capture = true, cwd = "/" }
  local code = process:wait()
  if code ~= 0 then
    error(errors.new("ConfigError", { message = ("%s failed (%d): %s"):format(argv[1], code, process:output():sub(-600)) }), 0)
  end
end

local function make(bin, folder, password_file, owner)
  file.write(password_file, crypto.hex(crypto.random(16)) .. "\n")
  host.own(password_file, owner, "0600")
  run({ bin .. "/initdb", "-D", folder, "-U", "signalroom", "-A", "scram-sha-256", "--pwfile", password_file,
    "-E", "UTF8", "--no-locale", "--no-sync" }, owner)
end

local function url_of(port, password)
  return ("postgresql://signalroom:%s@127.0.0.1:%d/postgres"):format(password, port)
end

local function await_ready(process, url)
  local problem
  for _ = 1, 300 do
    local ok, connection = pcall(pg.connect, url)
    if ok then return connection:close() end
    problem = connection
    if process:ended() then break end
    activity.sleep(0.1)
  end
  error(errors.new("ConfigError", { cause = problem,
    message = "PostgreSQL did not start: " .. process:output():sub(-600) }), 0)
end

--- Starts the cluster below the state folder, making it first when there is none.
---@param state string
---@return { url: string, stop: function, process: userdata }
function postgres.start(state)
  local bin, owner = places.postgres(), need_user()
  local folder, password_file = state .. "/postgres", state .. "/postgres.password"
  host.make_folder(state, "0755") -- the server's user must pass through
  if not host.exists(folder .. "/PG_VERSION") then
    host.make_folder(folder, "0700")
    host.own(folder, owner, "0700")
    make(bin, folder, password_file, owner)
  end
  local port = host.free_port()
  local process = host.spawn { argv = { bin .. "/postgres", "-D", folder, "-p", tostring(port), "-c", "listen_addresses=127.0.0.1",
    "-c", "unix_socket_directories=", "-c", "fsync=" .. (os.getenv "SIGNALROOM_DEV_FSYNC" or "on") },
    user = owner, capture = true, cwd = "/", die_with_parent = "SIGINT", server = true }
  local url = url_of(port, (file.read(password_file):gsub("%s+$", "")))
  await_ready(process, url)
  return { url = url, process = process, name = "PostgreSQL", stop_signal = "SIGINT" }
end

return postgres

-- The machine, for the command line: what cli/host.c gives, with suspended calls that raise typed errors.

local errors = require "errors"
local native = require "cli.native"
local wait = require "wait"

local host = setmetatable({}, { __index = native })

local ERROR_TYPE = {
  usage = "UsageError", config = "ConfigError", network = "UnavailableError", refused = "RefusedError", script = "ScriptError",
  history = "NondeterminismError", malformed = "MalformedError", limit = "LimitError", system = "SystemError", bug = "BugError",
}

local function raise(kind, text)
  error(errors.new(ERROR_TYPE[kind] or "Error", { message = text, non_retryable = true }), 0)
end

--- Writes a text, secrets masked. What cannot be written to stdout is an error; stderr has nobody to tell.
---@param fd integer 1 or 2
---@param text string
function host.write(fd, text)
  local problem, left = native.write_raw(fd, text)
  if not problem or fd ~= 1 then return end
  error(errors.new(left and "ReaderGone" or "OutputError", { message = "writing to stdout: " .. problem }), 0)
end

--- Runs functions side by side and waits for all of them.
---@param functions fun()[] they raise nothing
---@param seconds number patience: then whatever waits ends with a CancelledError
function host.together(functions, seconds)
  wait(native.together_raw(functions, seconds * 1000))
end

local Process = {}
Process.__index = Process

--- Waits for the end.
---@param seconds number?  patience; none unless given
---@return integer? code  128 + n for signal n; nil when patience ended
function Process:wait(seconds) return wait(self.raw:wait_raw(seconds)) end
function Process:kill(signal) self.raw:kill(signal) end
function Process:ended() return self.raw:ended() end
function Process:output() return self.raw:output() end

local function argv_of(options)
  local argv, list = options.argv, {}
  if options.die_with_parent or options.user then
    list[1] = "setpriv"
    if options.die_with_parent then list[#list + 1] = "--pdeathsig=" .. options.die_with_parent:gsub("^SIG", "") end
    if options.user then
      list[#list + 1], list[#list + 2], list[#list + 3] = "--reuid=" .. options.user, "--regid=" .. options.user, "--init-groups"
    end
  end
  for _, word in ipairs(argv) do list[#list + 1] = word end
  return list
end

--- Starts a child process.
---@param options { argv: string[], capture: boolean?, cwd: string?, user: string?, die_with_parent: string?, server: boolean? }
---   capture: keep what it prints; user: run as (needs root); die_with_parent: signal it gets when we are killed;
---   server: out of reach of Ctrl-C, we stop it ourselves
function host.spawn(options)
  local ok, process = native.spawn_raw(argv_of(options), options.capture or false, options.cwd, options.server or false)
  if not ok then raise("config", process) end
  return setmetatable({ raw = process }, Process)
end

local Serving = {}
Serving.__index = Serving

--- No new tasks; what runs is finished.
function Serving:drain() self.raw:drain() end
function Serving:health_port() return self.raw:health_port() end

local function tell(serving, on_reload, process)
  local changes = wait(serving.raw:wait_raw(process))
  while changes do
    if on_reload then on_reload(changes) end
    changes = wait(serving.raw:wait_raw(process))
  end
end

--- Waits until a process has ended, whatever becomes of the worker meanwhile.
---@param process table  as host.spawn gives it
---@param on_reload fun(changes: table[]) called with what became of edited scripts (cli/scripts.h)
---@return integer code  as Process:wait has it
function Serving:attend(process, on_reload)
  tell(self, on_reload, process.raw)
  return process:wait()
end

--- Waits until the worker has stopped; raises when it gave up by itself.
---@param on_reload fun(changes: table[])? as of attend
function Serving:wait(on_reload)
  tell(self, on_reload)
  local kind, text = self.raw:stop_raw()
  if kind then raise(kind, text) end
end

--- Starts a worker; the first signal drains it, the second hurries it.
---@param options table
function host.serve(options)
  local ok, serving, text = native.serve_raw(options)
  if not ok then raise(serving, text) end
  return setmetatable({ raw = serving }, Serving)
end

--- Looks at a scripts folder as a worker does when it starts.
---@param folder string
---@return { scripts: { entry: string, hash: string, types: string[] }[], changes: table[] }
function host.scripts(folder)
  local ok, found, text = native.scripts_raw(folder)
  if not ok then raise(found, text) end
  return found
end

--- Replays one recorded history; raises when the scripts do something else.
--- A history that records its code runs on that, unless the newest is wanted.
---@param options { text: string, scripts: string, mode: string, newest: boolean? }
---@return { events: integer, tasks: integer, code: string, own_code: boolean }
function host.replay(options)
  local ok, events, tasks, code, own = native.replay_raw(options.text, options.scripts, options.mode, options.newest or false)
  if not ok then raise(events, tasks) end
  return { events = events, tasks = tasks, code = code, own_code = own }
end

return host

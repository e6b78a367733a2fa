-- The command line: finds the command, parses its options, connects when it needs a server, and turns
-- whatever happens into words on stderr (or JSON) and a documented exit code.

local errors = require "errors"
local exits = require "cli.exits"
local nearest = require "nearest"
local neighbour = require "cli.neighbour"
local options = require "cli.options"
local output = require "cli.output"
local rpc = require "rpc"

-- In the order in which help lists them.
local NAMES = { "dev", "worker", "trigger", "start", "result", "signal", "query", "cancel", "terminate", "list", "show", "history",
  "why", "ui", "logs", "replay", "scripts", "workflows", "schedules", "report", "alerts", "mute", "unmute", "check", "env", "explain",
  "repl", "migrate", "version", "help", "completion" }

local COMMON = {
  { name = "json", about = "print one JSON document instead of text" },
  { name = "help", short = "h", about = "show this help" },
}

local CONNECTION = {
  { name = "address", value = "HOST:PORT", about = "the Temporal server (TEMPORAL_ADDRESS)" },
  { name = "namespace", short = "n", value = "NAME", about = "its namespace (TEMPORAL_NAMESPACE)" },
  { name = "profile", value = "NAME", about = "profile of temporal.toml (TEMPORAL_PROFILE)" },
  { name = "config-file", value = "FILE", about = "another temporal.toml (TEMPORAL_CONFIG_FILE)" },
}

local main = {}

local function command_named(name)
  return require("cli.commands." .. name)
end

--- All commands, in order.
---@return table[]
function main.commands()
  local list = {}
  for i, name in ipairs(NAMES) do list[i] = command_named(name) end
  return list
end

--- Every option of a command: its own, those of a connection, and the common ones.
function main.options_of(command)
  local spec = {}
  for _, group in ipairs { command.options or {}, command.connects and CONNECTION or {}, COMMON } do
    for _, option in ipairs(group) do spec[#spec + 1] = option end
  end
  return spec
end

--- The help text of one command.
function main.help_of(command)
  local lines = { "signalroom " .. command.name .. " - " .. command.about, "", "Usage: signalroom " .. command.usage, "" }
  if command.details then lines[#lines + 1] = command.details .. "\n" end
  lines[#lines + 1] = "Options:"
  for _, line in ipairs(options.describe(main.options_of(command))) do lines[#lines + 1] = line end
  return table.concat(lines, "\n")
end

local function find(word)
  for _, name in ipairs(NAMES) do
    if name == word then return command_named(name) end
  end
  local close = nearest.word(word, NAMES)
  error({ usage = ("no such command: %s%s"):format(word, close and ("; did you mean %s?"):format(close) or "") }, 0)
end

local function run(words)
  local word = table.remove(words, 1)
  if not word or word == "--help" or word == "-h" then word = "help" end
  if word == "--version" then word = "version" end
  local command = find(word)
  local given, rest = options.parse(main.options_of(command), words)
  output.as_json = given.json or false
  if given.help then
    output.line("%s", main.help_of(command))
    return exits.ok
  end
  if #rest < (command.least or 0) or #rest > (command.most or command.least or 0) then
    error({ usage = "usage: signalroom " .. command.usage }, 0)
  end
  if not (command.alone or given.address or given.profile or given.config_file) then neighbour.adopt() end
  if command.connects then
    local connect = command.connects == "at first use" and rpc.prepare or rpc.connect
    connect { address = given.address, namespace = given.namespace, profile = given.profile, config_file = given.config_file }
  end
  return command.run(given, rest, main) or exits.ok
end

-- What was raised, as an error object with the stack of where; usage complaints stay as they are.
local function caught(failure)
  return type(failure) == "table" and failure.usage and failure or errors.normalize(failure, debug.traceback("", 2))
end

local function report(failure)
  if type(failure) == "table" and failure.usage then
    output.note("signalroom: %s\nTry: signalroom help", failure.usage)
    output.value { error = { type = "Usage", message = failure.usage } }
    return exits.usage
  end
  local err, code, hint = failure, exits.of(failure)
  output.note("signalroom: %s: %s", err.type, err.message)
  local cause = err.cause
  while cause do
    output.note("  caused by %s: %s", cause.type, cause.message)
    cause = cause.cause
  end
  if err.type == "LuaError" and err.stack then output.note("%s", err.stack) end
  if hint then output.note("  %s", hint) end
  output.value { error = { type = err.type, message = err.message, hint = hint } }
  return code
end

--- Runs one command line.
---@param words string[]
---@return integer exit_code
function main.run(words)
  local ok, result = xpcall(run, caught, words)
  return ok and result or report(result)
end

return main

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

-- Whether the answer is for a program, also when the rest of the line is wrong.
local function wants_json(words)
  for _, word in ipairs(words) do
    if word == "--" then return false end
    if word == "--json" then return true end
  end
  return false
end

-- Options, and the words that are none; behind "--" everything is one, or another program's command line.
local function parse(command, words)
  local given, rest, behind = options.parse(main.options_of(command), words)
  if command.takes_command then
    given.command = behind
  else
    for _, word in ipairs(behind or {}) do rest[#rest + 1] = word end
  end
  return given, rest
end

local function check_words(command, rest)
  local wrong = #rest < (command.least or 0) or #rest > (command.most or command.least or 0)
  for _, word in ipairs(rest) do wrong = wrong or word == "" end
  if wrong then error({ usage = "usage: signalroom " .. command.usage }, 0) end
end

local function connection_of(given)
  return { address = given.address, namespace = given.namespace, profile = given.profile, config_file = given.config_file }
end

local function show_help(command)
  output.line("%s", main.help_of(command))
  output.value { name = command.name, about = command.about, usage = command.usage, options = main.options_of(command) }
end

local SPELT = { ["--help"] = "help", ["-h"] = "help", ["--version"] = "version", ["--json"] = "help" }

local asked -- the command that the line names

local function run(words)
  output.as_json = wants_json(words)
  local word = table.remove(words, 1) or "help"
  local command = find(SPELT[word] or word)
  asked = command.name
  local given, rest = parse(command, words)
  output.as_json = given.json or word == "--json"
  if given.help then return show_help(command) end
  check_words(command, rest)
  if not (command.alone or given.address or given.profile or given.config_file) then neighbour.adopt() end
  if command.connects then
    local connect = command.connects == "at first use" and rpc.prepare or rpc.connect
    connect(connection_of(given))
  end
  return command.run(given, rest, main)
end

-- What was raised, as an error object with the stack of where; usage complaints stay as they are.
local function caught(failure)
  return type(failure) == "table" and failure.usage and failure or errors.normalize(failure, debug.traceback("", 2))
end

local function report_usage(message)
  local hint = "signalroom help" .. (asked and " " .. asked or "")
  output.note("signalroom: %s\nTry: %s", message, hint)
  output.value { error = { type = "Usage", message = message, hint = hint } }
  return exits.usage
end

local function report(failure)
  if type(failure) == "table" and failure.usage then return report_usage(failure.usage) end
  if failure.type == "ReaderGone" then return exits.reader_gone end
  local err, code, hint = failure, exits.of(failure)
  hint = err.hint or hint
  output.note("signalroom: %s: %s", err.type, err.message)
  local cause = err.cause
  while cause do
    output.note("  caused by %s: %s", cause.type, cause.message)
    cause = cause.cause
  end
  if err.type == "LuaError" and err.stack then output.note("%s", err.stack) end
  if hint then output.note("  %s", hint) end
  if err.type ~= "OutputError" then output.value { error = { type = err.type, message = err.message, hint = hint } } end
  return code
end

--- Runs one command line.
---@param words string[]
---@return integer exit_code
function main.run(words)
  local ok, result = xpcall(run, caught, words)
  if ok then return result or exits.ok end
  local told, code = pcall(report, result)
  return told and code or exits.unwritten
end

return main

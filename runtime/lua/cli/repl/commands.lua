-- The REPL's commands, which begin with a colon.

local errors = require "errors"
local help = require "cli.repl.help"
local host = require "cli.host"
local nearest = require "nearest"
local scripts = require "cli.scripts"
local words = require "cli.repl.words"

local commands = {}

local LIST = ":help [NAME], :reload, :edit NAME, :quit"

local run = {}

-- In the order of words.lua.
local function word_names()
  local names = {}
  for name in host.library_text "cli.repl.words":gmatch "\nfunction words%.(%w+)" do names[#names + 1] = name end
  return names
end

function run.help(name) return help.text(name, word_names(), LIST) end

function run.reload() return words.reload() end

function run.edit(name)
  if not name then error(errors.ValueError ":edit takes the name of a report, a source, a workflow or a file", 0) end
  local path = scripts.path_of(name) or host.exists(name) and name
  if not path then error(errors.ValueError(("no script defines %s; scripts() lists them"):format(name)), 0) end
  local editor = os.getenv "VISUAL" or os.getenv "EDITOR" or "vi"
  local code = host.spawn { argv = { "sh", "-c", editor .. ' "$1"', "sh", path } }:wait()
  if code ~= 0 then error(errors.new("EditorError", { message = ("%s ended with %d"):format(editor, code) }), 0) end
  return words.reload()
end

--- The names of all commands.
commands.names = { "edit", "help", "quit", "reload" }

-- What newcomers type; none of them is a value.
local BARE = { help = "help", exit = "quit", quit = "quit" }

--- The command in a line: what runs it, and its argument; nil when the line is none.
---@param line string
---@return string? name
---@return string? argument
function commands.parse(line)
  local bare = BARE[line:match "^%s*(%l+)%s*$"]
  if bare then return bare, "" end
  return line:match "^%s*:(%l+)%s*(%S*)%s*$"
end

--- Runs a command.
---@param name string
---@param argument string "" without one
---@return string? text
function commands.run(name, argument)
  if run[name] then return run[name](argument ~= "" and argument or nil) end
  local close = nearest.word(name, commands.names)
  local advice = close and ("did you mean :%s?"):format(close) or "there are " .. LIST
  error(errors.ValueError(("there is no command :%s; %s"):format(name, advice)), 0)
end

return commands

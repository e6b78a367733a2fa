-- The REPL: lines become statements, statements run, what came of them is printed. At a terminal lines are edited and
-- Ctrl-C ends a statement; from a pipe they are read as they come, and a statement that fails does not stop the next.

local commands = require "cli.repl.commands"
local complete = require "cli.repl.complete"
local errors = require "errors"
local evaluate = require "cli.repl.evaluate"
local exits = require "cli.exits"
local host = require "cli.host"
local output = require "cli.output"
local past = require "cli.repl.past"
local printer = require "cli.repl.print"
local readonly = require "readonly"
local report = require "report"
local scripts = require "cli.scripts"
local sync = require "sync"
local wait = require "wait"
local words = require "cli.repl.words"

local CONTINUED = "..> "

local repl = {}

-- --- statements ---

-- Runs a statement or a command and prints what came of it.
local function perform(text)
  local name, argument = commands.parse(text)
  local outcome = name and evaluate.call(function() return commands.run(name, argument) end, printer.present)
    or evaluate.run(text, printer.present)
  printer.outcome(outcome)
  return outcome
end

-- Lines that are no whole statement yet wait for the next.
local Pending = {}
Pending.__index = Pending

local function is_whole(text)
  if commands.parse(text) then return true end
  local _, _, incomplete = evaluate.compile(text)
  return not incomplete
end

--- Takes a line; gives the statement that it completes.
function Pending:add(line)
  self.lines[#self.lines + 1] = line
  local text = table.concat(self.lines, "\n")
  if not is_whole(text) then return nil end
  self.lines = {}
  return text:find "%S" and text or nil
end

function Pending:drop() self.lines = {} end
function Pending:is_empty() return #self.lines == 0 end

local function pending() return setmetatable({ lines = {} }, Pending) end

-- --- a terminal ---

-- Says where one is, when that is not one's own machine, and whether anything can be changed from here.
local function prompt_text()
  local place, text = os.getenv "SIGNALROOM_ENV", "sr"
  if place and place ~= "" and place ~= "development" then text = text .. ":" .. place end
  return text .. (readonly.on() and ":read-only> " or "> ")
end

local function greet()
  local _, broken = scripts.load()
  output.note("signalroom %s, %d sources, %d reports, %d workflows. :help lists what there is, Ctrl-D leaves.",
    host.version().signalroom, #sync.names(), #report.names(), #scripts.names "workflow")
  for _, problem in ipairs(broken) do output.note("does not load: %s", problem) end
end

-- Reads on until there is a line, answering Tabs.
local function read(editor, prompt)
  local event, line, cursor = wait(editor:read_raw(prompt))
  while event == "complete" do
    event, line, cursor = wait(editor:answer_raw(complete.safely(line:sub(1, cursor))))
  end
  return event, line
end

local function is_quit(line)
  local name = commands.parse(line)
  return name == "quit" or name == "q"
end

-- A block that was typed or pasted is one entry of the history and may be several statements.
local function take(editor, block, waiting)
  for line in (block .. "\n"):gmatch "([^\n]*)\n" do
    if waiting:is_empty() and is_quit(line) then return false end
    local statement = waiting:add(line)
    if statement then
      editor:remember(statement)
      past.keep(statement)
      perform(statement)
    end
  end
  return true
end

local function converse(editor)
  for _, entry in ipairs(past.load()) do editor:remember(entry) end
  greet()
  local waiting, prompt = pending(), prompt_text()
  while true do
    local event, block = read(editor, waiting:is_empty() and prompt or CONTINUED)
    if event == "line" then
      if not take(editor, block:gsub("\n$", ""), waiting) then return exits.ok end
    elseif event == "end" and waiting:is_empty() then
      return exits.ok
    else
      waiting:drop()
    end
  end
end

-- --- no terminal ---

local function code_of(outcome)
  if outcome.interrupted then return exits.interrupted end
  return outcome.error and exits.of(outcome.error) or exits.ok
end

-- The code of the first statement that failed.
local function read_all(editor)
  local waiting, code = pending(), exits.ok
  while true do
    local event, line = read(editor, "")
    if event == "end" then break end
    if waiting:is_empty() and is_quit(line) then return code end
    if event == "interrupt" then waiting:drop() end
    local statement = event == "line" and waiting:add((line:gsub("\r?\n$", "")))
    local outcome = statement and perform(statement)
    if outcome and code == exits.ok then code = code_of(outcome) end
    if outcome and outcome.interrupted then return exits.interrupted end
  end
  if waiting:is_empty() then return code end
  local outcome = perform(table.concat(waiting.lines, "\n"))
  return code == exits.ok and code_of(outcome) or code
end

--- Runs the REPL to its end.
---@param options { statement: string?, scripts: string? }
---@return integer exit_code
function repl.run(options)
  scripts.root = options.scripts or "scripts"
  host.hide_secrets()
  evaluate.define(words)
  evaluate.define { print = printer.print,
    sync = setmetatable({}, { __index = sync, __call = function(_, given) return words.sync(given) end }) }
  if options.statement then
    evaluate.open(false)
    return code_of(perform(options.statement))
  end
  local editor = host.editor()
  evaluate.open(editor:edits())
  local ok, code = pcall(editor:edits() and not output.as_json and converse or read_all, editor)
  editor:close()
  if not ok then error(errors.normalize(code), 0) end
  return code
end

return repl

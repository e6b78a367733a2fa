-- Runs what is typed: an expression, whose values are the result, or statements. Each runs as a fiber of its own, so
-- that Ctrl-C ends it (cli/shell.h). Globals are those of activity scripts, those of the REPL, and what was assigned.

local errors = require "errors"
local host = require "cli.host"
local nearest = require "nearest"
local primitives = require "script"
local wait = require "wait"

local CHUNK = "@repl"

local evaluate = {}

local shared = primitives.environment()
local words = {}

local function lookup(_, name)
  local word = words[name]
  if word ~= nil then return word end
  return rawget(shared, name)
end

--- What statements see, and where their assignments go.
evaluate.globals = setmetatable({}, { __index = lookup })
evaluate.globals._G = evaluate.globals

--- Adds to the words that every statement may use.
---@param more table<string, any>
function evaluate.define(more)
  for name, word in pairs(more) do words[name] = word end
end

--- Every global name, sorted.
---@return string[]
function evaluate.names()
  local seen, list = {}, {}
  for _, from in ipairs { evaluate.globals, words, shared } do
    for name in pairs(from) do
      if type(name) == "string" and not seen[name] then
        seen[name] = true
        list[#list + 1] = name
      end
    end
  end
  table.sort(list)
  return list
end

-- --- compiling ---

-- A local would be gone with its statement.
local function without_local(text)
  local bare = text:gsub("^%s*local%s+", "", 1)
  return bare ~= text and loadstring(bare, CHUNK) and bare or text
end

-- Its values come behind a nil: a call at the end of a return would leave no line for its errors.
local function expression(text)
  local chunk, problem = loadstring("return nil, " .. text, CHUNK)
  return chunk and function() return select(2, setfenv(chunk, evaluate.globals)()) end, problem
end

local function ends_early(problem)
  return problem:find("near '<eof>'", 1, true) ~= nil and not problem:find "unfinished string"
end

-- Of an expression that is wrong the compiler, which takes it for a statement, blames the first word.
local function nearer(of_expression, of_statement)
  local blames_first = of_statement:find "unexpected symbol" and not of_expression:find "'<eof>' expected"
  return blames_first and of_expression or of_statement
end

--- Compiles one statement.
---@param text string
---@return function? chunk nil when it does not compile
---@return string? problem what the compiler says
---@return boolean? incomplete true when more lines could complete it
function evaluate.compile(text)
  text = without_local(text)
  local chunk, of_expression = expression(text)
  if chunk then return chunk end
  local problem
  chunk, problem = loadstring(text, CHUNK)
  if chunk then return setfenv(chunk, evaluate.globals) end
  local half = text:find "%S" ~= nil and ends_early(of_expression)
  return nil, nearer(of_expression, problem), half or ends_early(problem)
end

-- --- running ---

local shell

--- Makes the shell that runs statements.
---@param survives boolean whether Ctrl-C between statements leaves it alive
function evaluate.open(survives) shell = host.shell(survives) end

-- What an unknown name may have meant.
local function suggestion(message)
  local name = message:match "global '([^']+)'"
  local close = name and nearest.word(name, evaluate.names())
  return close and close ~= name and ("did you mean %s?"):format(close) or nil
end

-- Whatever was raised, also what cannot even be said.
local function caught(raised)
  local ok, err = pcall(errors.normalize, raised)
  if not ok then err = errors.new("LuaError", { message = "an error was raised that fails to say what it is" }) end
  if err.type == "LuaError" then err.hint = suggestion(err.message) end
  return err
end

---@class Outcome
---@field values table? with n; nil when it failed
---@field shown any what `present` made of them
---@field error Error?
---@field interrupted boolean

--- Runs a function as a statement. What its values look like is made inside of it, too: that may run their code.
---@param chunk function
---@param present fun(values: table): any
---@return Outcome
function evaluate.call(chunk, present)
  local outcome = {}
  local function whole()
    local values = (function(...) return { n = select("#", ...), ... } end)(chunk())
    outcome.shown = present(values)
    outcome.values = values
  end
  local function run()
    local ok, err = xpcall(whole, caught)
    if not ok then outcome.error = err end
  end
  local how, place, interrupted = wait(shell:run_raw(run))
  outcome.interrupted = interrupted
  if how == "killed" then
    outcome.error = errors.new("Interrupted", { message = "stopped at " .. (place ~= "" and place or "repl:1"), stack = "" })
    collectgarbage() -- what it had open
  elseif how ~= "done" then
    outcome.error = errors.new("MemoryError", { message = "the statement ran out of memory", stack = "" })
  elseif interrupted and outcome.error and outcome.error.type == "CancelledError" then
    outcome.error.type = "Interrupted"
  end
  return outcome
end

--- Compiles and runs one statement.
---@param text string
---@param present fun(values: table): any
---@return Outcome
function evaluate.run(text, present)
  local chunk, problem = evaluate.compile(text)
  if not chunk then return { interrupted = false, error = errors.new("SyntaxError", { message = problem, stack = "" }) } end
  local outcome = evaluate.call(chunk, present)
  if outcome.values and outcome.values.n > 0 then rawset(evaluate.globals, "_", outcome.values[1]) end
  return outcome
end

return evaluate

-- JSON on the command line: `--input '{"a":1}'`, `--input @file.json`, `--input -` for standard input.

local file = require "activity.file"
local host = require "cli.host"
local json = require "json"

local arguments = {}

local function text_of(word)
  if word == "-" then return host.read_stdin(), "standard input" end
  if word:sub(1, 1) == "@" then return file.read(word:sub(2)), word:sub(2) end
  return word, "--input"
end

--- The value of one input option; nil stays nil.
---@param word string?
---@return any
function arguments.input(word)
  if not word then return nil end
  local text, where = text_of(word)
  local ok, value = pcall(json.decode, text)
  if not ok then error({ usage = ("%s is no JSON: %s"):format(where, type(value) == "table" and value.message or value) }, 0) end
  return value
end

--- As positional arguments for a workflow, signal or query: nothing, or the one value.
---@param word string?
---@return table args  with n
function arguments.list(word)
  local value = arguments.input(word)
  return value == nil and { n = 0 } or { n = 1, value }
end

return arguments

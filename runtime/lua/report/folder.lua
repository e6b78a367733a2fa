-- Loads the reports of a scripts folder where no worker does: for the command line.

local client = require "sync.client"
local environments = require "sandbox.environment"
local errors = require "errors"
local file = require "activity.file"
local files = require "report.files"
local report = require "report"

local folder = {}

local function complain(message)
  error(errors.new("ScriptError", { message = message, non_retryable = true }), 0)
end

-- Every file below reports, but for what editors leave: { name, path, modified, size }.
local function list(root, below, found)
  below, found = below or "reports", found or {}
  for _, entry in ipairs(file.list(root .. "/" .. below)) do
    local name = below .. "/" .. entry.name
    local leftover = entry.name:find "^[.#]" or entry.name:find "~$" or entry.name:find "^%d+$"
    if entry.kind == "folder" and not leftover then list(root, name, found) end
    if entry.kind == "file" and not leftover then
      found[#found + 1] = { name = name, path = root .. "/" .. name, modified = entry.modified, size = entry.size }
    end
  end
  return found
end

local function compile(text, name, env)
  local chunk, problem = loadstring(text, "@" .. name)
  return chunk and setfenv(chunk, env) or complain(problem)
end

-- As strict as a worker's; `require` finds the scripts of this folder, each once.
local function environment(root)
  local loaded, env = {}, nil
  local function find(name)
    local path = name:gsub("%.", "/") .. ".lua"
    if not file.look(root .. "/" .. path) then return require(name) end
    if loaded[name] == nil then
      local value = compile(file.read(root .. "/" .. path), path, env)(name)
      loaded[name] = value == nil or value
    end
    return loaded[name]
  end
  env = setmetatable({ require = find }, { __index = environments.script, __newindex = environments.assigned })
  return env
end

-- Whose numbers there are, unless whoever loads activities has said it.
local function load_clients(root, env)
  local path = "activities/clients.lua"
  if client.any() or not file.look(root .. "/" .. path) then return end
  compile(file.read(root .. "/" .. path), path, env)()
end

--- Loads every report anew. A script that is wrong raises ScriptError with its line, and those that were loaded stay.
---@param root string the scripts folder
function folder.load(root)
  local texts, chunks, env = {}, {}, environment(root)
  for _, entry in ipairs(list(root)) do
    local text = file.read(entry.path)
    texts[entry.name] = text
    if entry.name:find "%.lua$" then chunks[#chunks + 1] = compile(text, entry.name, env) end
  end
  load_clients(root, env)
  files.set(texts)
  local ok, problem = pcall(report.load, chunks)
  if not ok then complain(errors.is(problem) and problem.message or tostring(problem)) end
end

--- What the folder looks like, to see that something was saved.
---@param root string
---@return string
function folder.stamp(root)
  local parts = {}
  for _, entry in ipairs(list(root)) do parts[#parts + 1] = ("%s %s %s"):format(entry.name, entry.modified, entry.size) end
  return table.concat(parts, "\n")
end

return folder

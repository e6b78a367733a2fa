-- The scripts folder as commands see it. What a file defines is read off its text; activities/ and reports/ are run as well,
-- so that sources can be synced and reports rendered here. Loading again takes the files as they are now. A file that
-- does not load is said, and the others are there.

local errors = require "errors"
local file = require "activity.file"
local host = require "cli.host"
local output = require "cli.output"
local primitives = require "script"
local report_folder = require "report.folder"
local sync = require "sync"

local FOLDERS = { "workflows", "activities", "reports" }
local KINDS = { "workflow", "activity", "source", "report", "schedule" }

local scripts = { root = "scripts" }

local files   -- list of { path, module, text, defines = { { kind, name } }, problem }
local sources -- name -> what the script declared
local required -- the `require` of the scripts as they were loaded
local stamp   -- of the reports as they were loaded
local report_problem

-- --- reading ---

local function definitions(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    local kind, name = line:match '^(%l+)%s*%(?%s*"([^"]+)"'
    for _, known in ipairs(KINDS) do
      if kind == known then list[#list + 1] = { kind = kind, name = name } end
    end
  end
  return list
end

local function read_folder(list, folder)
  local path = scripts.root .. "/" .. folder
  if not host.exists(path) then return end
  for _, entry in ipairs(file.list(path)) do
    local inner = folder .. "/" .. entry.name
    if entry.kind == "folder" then
      read_folder(list, inner)
    elseif inner:sub(-4) == ".lua" then
      local text = file.read(scripts.root .. "/" .. inner)
      local chunk, problem = loadstring(text, "@" .. inner)
      list[#list + 1] = { path = inner, module = inner:sub(1, -5):gsub("/", "."), text = text, chunk = chunk, problem = problem,
        defines = definitions(text) }
    elseif inner:find "%.tpl$" or inner:find "%.mjml$" then
      list[#list + 1] = { path = inner, text = file.read(scripts.root .. "/" .. inner), defines = {} }
    end
  end
end

local function read_all()
  local list = {}
  for _, folder in ipairs(FOLDERS) do read_folder(list, folder) end
  return list
end

-- --- running activities/ ---

-- The environment of one loading: the scripts' own, with a `require` that has only this loading's modules.
local function environment(list)
  local globals, modules = {}, {}
  local by_module = {}
  for _, entry in ipairs(list) do
    if entry.module then by_module[entry.module] = entry end
  end

  function globals.require(name)
    local entry = by_module[name]
    if not entry then return require(name) end
    if entry.problem then error(entry.problem, 0) end
    if modules[name] == nil then
      local value = setfenv(entry.chunk, globals)()
      modules[name] = value == nil or value
    end
    return modules[name]
  end

  function globals.source(name)
    return function(declared)
      sync.source(name)(declared)
      sources[name] = declared
    end
  end

  globals.activity = setmetatable({}, { __index = require "activity.api", __call = function() return function() end end })
  return setmetatable(globals, { __index = primitives.environment(), __newindex = primitives.environment() })
end

local function run_activities(list)
  sync.forget()
  sources = {}
  local globals = environment(list)
  required = globals.require
  for _, entry in ipairs(list) do
    if entry.path:find "^activities/" and not entry.problem then
      local ok, problem = pcall(globals.require, entry.module)
      if not ok then entry.problem = errors.is(problem) and tostring(problem) or problem end
    end
  end
end

-- --- reports ---

--- Takes the reports as they are saved now, if that is not what was loaded. When one is wrong the last good ones stay.
---@return string? problem what is wrong
function scripts.load_reports()
  if not host.exists(scripts.root .. "/reports") then return nil end
  local now = report_folder.stamp(scripts.root)
  if now == stamp then return report_problem end
  local ok, problem = pcall(report_folder.load, scripts.root)
  stamp, report_problem = now, not ok and errors.normalize(problem).message or nil
  return report_problem
end

-- --- the door ---

local function changes(before, after)
  local old, list = {}, {}
  for _, entry in ipairs(before or {}) do old[entry.path] = entry.text end
  for _, entry in ipairs(after) do
    if before and old[entry.path] ~= entry.text then list[#list + 1] = entry.path end
    old[entry.path] = nil
  end
  for path in pairs(old) do list[#list + 1] = path end
  table.sort(list)
  return list
end

--- Loads every script as it is now.
---@return string[] changed the files that are not as they were
---@return string[] problems
function scripts.load()
  local before = files
  files = read_all()
  run_activities(files)
  local broken = {}
  for _, entry in ipairs(files) do
    if entry.problem then broken[#broken + 1] = entry.problem end
  end
  local problem = scripts.load_reports()
  for _, known in ipairs(broken) do
    if known == problem then problem = nil end
  end
  broken[#broken + 1] = problem
  return changes(before, files), broken
end

local function need()
  if files then return end
  local _, broken = scripts.load()
  for _, problem in ipairs(broken) do output.note("does not load: %s", problem) end
end

--- Every script, in order of its path.
---@return table[]
function scripts.files()
  need()
  return files
end

--- What a script gives to those that require it: "activities.channels.slack". Raises what it raises.
---@param name string
---@return any
function scripts.module(name)
  need()
  return required(name)
end

--- The names that scripts define, sorted.
---@param kind string "workflow", "activity", "source" or "report"
---@return string[]
function scripts.names(kind)
  need()
  local list = {}
  for _, entry in ipairs(files) do
    for _, one in ipairs(entry.defines) do
      if one.kind == kind then list[#list + 1] = one.name end
    end
  end
  table.sort(list)
  return list
end

--- What each source declares, by name.
---@return table<string, table>
function scripts.sources()
  need()
  return sources
end

--- The file that defines a name, or that has it as its path.
---@param name string
---@return string? path
function scripts.path_of(name)
  need()
  for _, entry in ipairs(files) do
    local last = entry.path:match "[^/]+$"
    if entry.path == name or last == name or last == name .. ".lua" then return scripts.root .. "/" .. entry.path end
    for _, one in ipairs(entry.defines) do
      if one.name == name then return scripts.root .. "/" .. entry.path end
    end
  end
end

return scripts

-- What may stand where the cursor is. The shells' scripts ask at every Tab (`signalroom completion --at`), so that they
-- know no command themselves, and runs, schedules, sources and reports are those that are there.

local client = require "client"
local host = require "cli.host"
local rpc = require "rpc"
local scripts = require "cli.scripts"
local server = require "schedule.server"

local NEWEST, SECONDS = 50, 1 -- runs offered; patience with the server

local completion = {}

---@class Candidate
---@field word string
---@field about string?

-- --- what is there ---

local KINDS = {}

local function connected(place)
  rpc.connect { address = place.address, namespace = place.namespace, profile = place.profile, config_file = place.config_file }
end

function KINDS.runs(place)
  connected(place)
  local list, seen = {}, {}
  for _, about in ipairs(client.list("", NEWEST, { once = SECONDS })) do
    local id = about.execution.workflow_id
    if not seen[id] then list[#list + 1] = { word = id, about = about.type and about.type.name } end
    seen[id] = true
  end
  return list
end

function KINDS.schedules(place)
  connected(place)
  local list = {}
  for _, entry in ipairs(server.list { once = SECONDS }) do
    list[#list + 1] = { word = entry.schedule_id, about = entry.info and entry.info.notes }
  end
  return list
end

local function defined(kind)
  return function(place)
    scripts.root = place.scripts or "scripts"
    local list = {}
    for i, name in ipairs(scripts.names(kind)) do list[i] = { word = name } end
    return list
  end
end

KINDS.sources, KINDS.reports, KINDS.workflows = defined "source", defined "report", defined "workflow"

function KINDS.commands(_, main)
  local list = {}
  for i, command in ipairs(main.commands()) do list[i] = { word = command.name, about = command.about } end
  return list
end

function KINDS.topics(place, main)
  local list = KINDS.commands(place, main)
  for name in pairs(host.guide()) do list[#list + 1] = { word = name, about = "chapter" } end
  return list
end

local function plain(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = { word = word } end
  return list
end

-- --- where the cursor is ---

local function option_named(spec, word)
  for _, option in ipairs(spec) do
    if word == "--" .. option.name or option.short and word == "-" .. option.short then return option end
  end
end

-- The options before the cursor, how many words that are none, and the option whose value the cursor is at.
local function survey(spec, words)
  local place, count, open = {}, 0, nil
  for i = 2, #words - 1 do
    local word = words[i]
    if open then
      place[open.name:gsub("-", "_")], open = word, nil
    elseif word:sub(1, 1) == "-" then
      open = option_named(spec, word)
      open = open and open.value and open
    else
      count = count + 1
    end
  end
  return place, count, open
end

local function options_of(spec)
  local list = {}
  for i, option in ipairs(spec) do list[i] = { word = "--" .. option.name, about = option.about } end
  return list
end

local function positional(command, count, place, main)
  local wanted = command.completes
  if type(wanted) == "table" then wanted = wanted[count + 1] or wanted.rest end
  if type(wanted) == "table" then return plain(wanted) end
  return wanted and (count == 0 or type(command.completes) == "table") and KINDS[wanted](place, main) or {}
end

local function candidates(main, words)
  if #words < 2 then return KINDS.commands(nil, main) end
  for _, command in ipairs(main.commands()) do
    if command.name == words[1] then
      local spec = main.options_of(command)
      local place, count, open = survey(spec, words)
      if open then return open.choices and plain(open.choices) or {} end
      if words[#words]:sub(1, 1) == "-" then return options_of(spec) end
      return positional(command, count, place, main)
    end
  end
  return {}
end

--- What may stand in the place of the last word. Nothing means: a file, or the shell's own guess.
---@param main table      cli.main
---@param words string[]  the command line without the program, the last word as far as it is typed
---@return Candidate[]
function completion.at(main, words)
  local ok, list = pcall(candidates, main, words)
  local fitting, typed = {}, words[#words] or ""
  for _, candidate in ipairs(ok and list or {}) do
    if candidate.word:sub(1, #typed) == typed then fitting[#fitting + 1] = candidate end
  end
  return fitting
end

return completion

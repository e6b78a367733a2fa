-- A worker's log file for people: the last lines, or those of one run, and then what comes.

local activity = require "activity.api"
local errors = require "errors"
local host = require "cli.host"
local json = require "json"
local output = require "cli.output"
local places = require "cli.places"

local LOOK_EVERY = 0.2 -- seconds
local LEVELS = { debug = 1, info = 2, warning = 3, error = 4 }
local COLOURS = { debug = "\27[2m", info = "\27[32m", warning = "\27[33m", error = "\27[31m" }

local ELSEWHERE = "%s: no such log. `signalroom dev` keeps one, a worker with --log-file FILE (then: signalroom logs --file FILE); "
  .. "under systemd: journalctl -u signalroom -o cat; on Fly: fly logs"

local function path_of(given)
  local path = given.file or places.log(places.state(given.state))
  if host.exists(path) then return path end
  error(errors.new("ConfigError", { message = ELSEWHERE:format(path), non_retryable = true }), 0)
end

-- --- one line ---

local function parse(line)
  local ok, event = pcall(json.decode, line)
  return ok and type(event) == "table" and event or nil
end

local function is_wanted(event, filter)
  if (LEVELS[event.level] or LEVELS.error) < filter.level then return false end
  return not filter.id or event.workflow_id == filter.id or event.run_id == filter.id
end

local APART = { event = true, level = true, timestamp = true }

local function text_of(event)
  local names, parts = {}, {}
  for name in pairs(event) do
    if not APART[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = event[name]
    parts[i] = name .. "=" .. (type(value) == "string" and value or json.encode(value))
  end
  local colour = output.colour and COLOURS[event.level] or ""
  local time = tostring(event.timestamp):gsub("T", " ", 1)
  return ("%s %s%-7s%s %s %s"):format(time, colour, tostring(event.level):upper(), colour ~= "" and "\27[0m" or "", tostring(event.event),
    table.concat(parts, " "))
end

local function say(line, event)
  host.write(1, (output.as_json and line or text_of(event)) .. "\n")
end

-- --- many ---

local function lines_of(text, filter)
  local kept = {}
  for line in text:gmatch "[^\n]+" do
    local event = (not filter.id or line:find(filter.id, 1, true)) and parse(line)
    if event and is_wanted(event, filter) then kept[#kept + 1] = { line, event } end
  end
  return kept
end

-- What stands in the file from a position on, up to its last whole line, and the position behind it.
local function read_from(path, position)
  local stream = io.open(path, "r")
  if not stream then return "", position end
  if stream:seek "end" < position then position = 0 end -- a new file has begun
  stream:seek("set", position)
  local text = stream:read "*a"
  stream:close()
  text = text:match "^(.*\n)" or ""
  return text, position + #text
end

local function follow(path, position, filter)
  local text
  while true do
    text, position = read_from(path, position)
    for _, kept in ipairs(lines_of(text, filter)) do say(kept[1], kept[2]) end
    activity.sleep(LOOK_EVERY)
  end
end

local function filter_of(given, id)
  return { level = LEVELS[(given.level or "debug"):lower()], id = id }
end

return {
  name = "logs", usage = "logs [WORKFLOW_ID | RUN_ID] [-f] [-n N]", least = 0, most = 1,
  about = "a worker's log; with --json its lines as they are",
  details = "Reads the file that `signalroom dev` keeps, or that a worker writes with --log-file.",
  options = {
    { name = "follow", short = "f", about = "go on as the log grows" },
    { name = "lines", short = "n", value = "N", is = "whole", about = "the last N lines; 100 unless given" },
    { name = "level", value = "LEVEL", choices = { "DEBUG", "INFO", "WARNING", "ERROR" },
      about = "DEBUG, INFO, WARNING or ERROR: nothing less" },
    { name = "file", value = "FILE", about = "another log file" },
    { name = "state", value = "DIR", about = "the state folder that was given to dev" },
  },
  run = function(given, rest)
    local count = given.lines or 100
    output.colour = host.has_colour(1)
    local path, filter = path_of(given), filter_of(given, rest[1])
    local text, position = read_from(path, 0)
    local kept = lines_of(text, filter)
    for i = math.max(1, #kept - count + 1), #kept do say(kept[i][1], kept[i][2]) end
    if #kept == 0 and filter.id then output.note("%s has no line of %s", path, filter.id) end
    if given.follow then follow(path, position, filter) end
  end,
}

-- scripts/workflows/schedules.lua: what its word `schedule` means to the command line. Workers load the file too, and
-- there the word does nothing (workflow/init.lua), so the file may use what both know.
--
--   schedule "hourly-sync" {
--     cron = "15 7-23 * * *", tz = "America/New_York", overlap = "skip", note = "...", paused = false,
--     start = { "ScheduledSyncWorkflow", { sources = { "everflow" } }, id = "scheduled-sync", queue = "api-tasks" },
--   }

local client = require "client"
local cron = require "schedule.cron"
local errors = require "errors"
local file = require "activity.file"
local nearest = require "nearest"
local sorted_keys = require "sorted_keys"
local zone = require "zone"

local KNOWN = { cron = "string", tz = "string", overlap = "string", note = "string", paused = "boolean", start = "table" }
local START_KNOWN = { [1] = "string", [2] = "any", id = "string", queue = "string" }
local OVERLAP = { skip = "SKIP", buffer_one = "BUFFER_ONE", buffer_all = "BUFFER_ALL", cancel_other = "CANCEL_OTHER",
  terminate_other = "TERMINATE_OTHER", allow_all = "ALLOW_ALL" }

local script = {}

local function check(given, known, what)
  if type(given) ~= "table" then error(what .. " takes a table", 0) end
  for key, value in pairs(given) do
    local wanted = known[key]
    if not wanted then
      local close = nearest.word(tostring(key), sorted_keys(known))
      error(("%s has no option %q; %s"):format(what, tostring(key), close and ("did you mean %q?"):format(close)
        or "it takes " .. table.concat(sorted_keys(known), ", ")), 0)
    end
    if wanted ~= "any" and type(value) ~= wanted then error(("%s: %s must be a %s"):format(what, tostring(key), wanted), 0) end
  end
end

local function definition(id, given)
  check(given, KNOWN, ("schedule %q"):format(id))
  if not given.cron then error(("schedule %q says no cron"):format(id), 0) end
  local start = given.start
  check(start, START_KNOWN, ("start of schedule %q"):format(id))
  if not start[1] then error(("start of schedule %q names no workflow"):format(id), 0) end
  local overlap = OVERLAP[given.overlap or "skip"]
  if not overlap then
    error(("schedule %q: overlap is one of %s"):format(id, table.concat(sorted_keys(OVERLAP), ", ")), 0)
  end
  local tz = given.tz or "UTC"
  zone.offset(0, tz) -- refuses an unknown zone
  return { id = id, cron = given.cron, calendar = cron.parse(given.cron), tz = tz, overlap = "SCHEDULE_OVERLAP_POLICY_" .. overlap,
    note = given.note or "", paused = given.paused or false, workflow = start[1], input = start[2], workflow_id = start.id or id,
    queue = start.queue or client.queue() }
end

local function complain(text)
  error(errors.new("ScriptError", { message = text, non_retryable = true }), 0)
end

-- The word, and the list that it fills.
local function vocabulary()
  local list, seen = {}, {}
  local function define(id, given, at)
    local where = ("%s:%d: "):format(at.short_src, at.currentline)
    if seen[id] then complain(("%sschedule %q is defined twice"):format(where, id)) end
    local ok, made = pcall(definition, id, given)
    if not ok then complain(where .. (type(made) == "table" and made.message or made)) end
    seen[id], made.place = true, where:sub(1, -3)
    list[#list + 1] = made
  end
  return function(id)
    if type(id) ~= "string" or id == "" then complain "schedule takes a name: schedule \"name\" { cron = ... }" end
    return function(given) define(id, given, debug.getinfo(2, "Sl")) end
  end, list
end

local function environment(word)
  local globals = { schedule = word, ipairs = ipairs, pairs = pairs, tostring = tostring, tonumber = tonumber, string = string,
    table = table, math = math }
  return setmetatable(globals, {
    __index = function(_, name) error(("there is no global '%s' in schedules"):format(tostring(name)), 2) end,
    __newindex = function(_, name) error(("assignment to the global '%s'; declare it with `local`"):format(tostring(name)), 2) end,
  })
end

--- The schedules of a file, in its order.
---@param path string
---@return table[] definitions  id, cron, calendar, tz, overlap, note, paused, workflow, input, workflow_id, queue, place
function script.read(path)
  local chunk, problem = loadstring(file.read(path), "@" .. path)
  if not chunk then complain(problem) end
  local word, list = vocabulary()
  local ok, failure = pcall(setfenv(chunk, environment(word)))
  if ok then return list end
  if errors.is(failure) then error(failure, 0) end
  return complain(tostring(failure))
end

return script

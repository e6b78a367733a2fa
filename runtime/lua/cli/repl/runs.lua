-- Runs as the prompt knows them: what `trigger` and `start` give, and what `wait`, `why` and the others take.

local client = require "client"
local errors = require "errors"
local follow = require "cli.follow"
local grid = require "cli.repl.grid"
local json = require "json"
local links = require "cli.runs"
local progress = require "cli.progress"
local show = require "cli.repl.show"

local runs = {}

local Run = { __tostring = function(run) return "run " .. run.id end }

--- A run as a value of the prompt.
---@param id string
---@param run_id string?
---@return table
function runs.new(id, run_id)
  local run = setmetatable({ id = id, run_id = run_id }, Run)
  return show.as(run, function()
    local link = links.link(id, run_id)
    return link and ("run %s\n%s"):format(id, link) or "run " .. id
  end)
end

--- The ids behind what the user gave: a run, a row of list(), or an id.
---@param given table|string
---@return string id
---@return string? run_id
function runs.ids(given)
  if type(given) == "string" then return given end
  if type(given) == "table" and type(given.id) == "string" then return given.id, given.run_id end
  error(errors.ValueError "a run is what trigger and start give, a row of list(), or an id", 0)
end

-- --- waiting ---

-- What a sync that changed nothing would have done, but for its counts.
local function rehearsed(result)
  local lines = {}
  for _, one in ipairs(result.samples) do
    lines[#lines + 1] = ("%s %s %s%s"):format(one.what, one.table, one.key, one.change and ": " .. one.change or "")
  end
  for _, statement in ipairs(result.ddl) do lines[#lines + 1] = statement end
  for _, warning in ipairs(result.warnings) do lines[#lines + 1] = "warning: " .. warning end
  return #lines > 0 and "\n" .. table.concat(lines, "\n") or ""
end

local function title(result)
  if not result.dry then return ("%s, load %s"):format(tostring(result.pipeline_name), tostring(result.load_id)) end
  return ("%s, dry: nothing was changed; %d %s, %.1f s"):format(result.pipeline_name, result.requests,
    result.requests == 1 and "call" or "calls", result.seconds)
end

-- A sync's result: what each table got.
local function face_of(result)
  if type(result) ~= "table" or type(result.counts) ~= "table" then return result end
  local rows = {}
  for name, counts in pairs(result.counts) do
    rows[#rows + 1] = { table = name, fetched = counts.rows, new = counts.new, changed = counts.changed, same = counts.same,
      deleted = counts.deleted }
  end
  table.sort(rows, function(a, b) return a.table < b.table end)
  return show.as(result, function(columns)
    return ("%s\n%s%s"):format(title(result), grid({ "table", "fetched", "new", "changed", "same", "deleted" }, rows, columns),
      result.dry and rehearsed(result) or "")
  end)
end

--- A result that shows as the table it is about.
runs.result = face_of

--- Waits for a run with live progress.
---@param given table|string
---@return any result
function runs.wait(given)
  local id, run_id = runs.ids(given)
  local ok, result = pcall(function()
    follow(id, run_id)
    progress.clear()
    return client.result(id, run_id)
  end)
  progress.clear()
  if ok then return face_of(result) end
  if errors.is(result) and result.type == "CancelledError" then
    result.message = ("%s goes on; cancel(%q) would end it"):format(id, id)
  end
  error(result, 0)
end

-- --- looking ---

--- What the server knows of a run, in a few lines.
---@param given table|string
---@return table
function runs.describe(given)
  local id, run_id = runs.ids(given)
  local described = client.describe(id, run_id)
  local row = links.row(described.workflow_execution_info)
  row.queue, row.link = described.workflow_execution_info.task_queue, links.link(id, row.run_id)
  local activities = {}
  for i, activity in ipairs(described.pending_activities or {}) do
    activities[i] = { activity = activity.activity_type.name, attempt = activity.attempt or 1,
      last_failure = activity.last_failure and activity.last_failure.message or json.null }
  end
  row.activities = #activities > 0 and activities or nil
  return row
end

return runs

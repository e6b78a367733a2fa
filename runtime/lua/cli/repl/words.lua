-- The words of the REPL, besides those of activity scripts. `:help NAME` prints the comment above each, and docs/lua
-- has them.

local attempt = require "cli.repl.attempt"
local client = require "client"
local crypto = require "native.crypto"
local errors = require "errors"
local event_lines = require "cli.history"
local grid = require "cli.repl.grid"
local json = require "json"
local links = require "cli.runs"
local output = require "cli.output"
local progress = require "cli.progress"
local query = require "cli.repl.query"
local report = require "report"
local runs = require "cli.repl.runs"
local scripts = require "cli.scripts"
local show = require "cli.repl.show"
local sorted_keys = require "sorted_keys"
local sync = require "sync"
local why = require "cli.why"

local OPEN_RUNS = 50 -- looked at by why()

local words = {}

-- --- what there is ---

--- The sources that the scripts declare, with their tables.
---@return table rows
function words.sources()
  local rows, all = {}, scripts.sources()
  for _, name in ipairs(sync.names()) do
    local declared, tables = all[name], {}
    for i, resource in ipairs(declared) do tables[i] = resource.name end
    rows[#rows + 1] = { source = name, tables = table.concat(tables, ", "), tz = declared.tz, lookback = declared.lookback or "3d" }
  end
  return show.as(rows, function(columns) return grid({ "source", "tables", "tz", "lookback" }, rows, columns) end)
end

--- The workflows that the scripts define: start("NAME", input) starts one.
---@return table rows
function words.workflows()
  local rows = {}
  for i, name in ipairs(scripts.names "workflow") do rows[i] = { workflow = name, file = scripts.path_of(name) } end
  return show.as(rows, function(columns) return grid({ "workflow", "file" }, rows, columns) end)
end

--- The reports that the scripts declare: preview("NAME") shows one.
---@return table rows
function words.reports()
  scripts.load_reports()
  local rows = {}
  for i, name in ipairs(report.names()) do
    local about = report.describe(name)
    rows[i] = { report = name, channels = table.concat(about.channels, ", "), params = table.concat(sorted_keys(about.params), ", "),
      about = about.about }
  end
  return show.as(rows, function(columns) return grid({ "report", "channels", "params", "about" }, rows, columns) end)
end

--- Every script: its file, what it defines, and what is wrong with it.
---@return table rows
function words.scripts()
  local rows = {}
  for i, entry in ipairs(scripts.files()) do
    local defines = {}
    for j, one in ipairs(entry.defines) do defines[j] = one.kind .. " " .. one.name end
    rows[i] = { file = entry.path, defines = table.concat(defines, ", "), problem = entry.problem or "" }
  end
  return show.as(rows, function(columns) return grid({ "file", "defines", "problem" }, rows, columns) end)
end

--- Loads the scripts anew, in this shell: sources, reports, names. Workers watch the folder by themselves.
---@return string what changed
function words.reload()
  local changed, broken = scripts.load()
  local lines = { #changed == 0 and ("%d scripts, none changed"):format(#scripts.files())
    or ("%d scripts, changed: %s"):format(#scripts.files(), table.concat(changed, ", ")) }
  for _, problem in ipairs(broken) do lines[#lines + 1] = "does not load: " .. problem end
  return table.concat(lines, "\n")
end

-- --- syncs ---

local TRIGGER = { resources = true, queue = true, notify = true }
local HERE = { resources = true, dry = true }

local function check(word, source, options)
  if type(source) == "string" and (options == nil or type(options) == "table") then return end
  error(errors.ValueError(("%s takes the name of a source, and what else it wants in a table: :help %s"):format(word, word)), 0)
end

-- The options of the run, and what is left: the arguments of the source.
local function split(options, known)
  local own, kwargs = {}, {}
  for name, value in pairs(options or {}) do
    if type(name) == "string" then
      if known[name] then own[name] = value else kwargs[name] = value end
    end
  end
  return own, next(kwargs) and kwargs or nil
end

--- Starts SyncSourceWorkflow for a source, with the id sync-SOURCE-manual; a run that is open already is given back.
---
---     w = trigger("everflow", { from = "2026-01-01", to = "2026-01-07" })
---     wait(w)
---@param source string
---@param options? table resources (a list), queue, notify; all else are arguments of the source, such as from and to
---@return table run
function words.trigger(source, options)
  check("trigger", source, options)
  local own, kwargs = split(options, TRIGGER)
  local id, run_id, is_new = links.sync(source, { kwargs = kwargs, resources = own.resources, queue = own.queue, notify = own.notify })
  if not is_new then output.note("%s is running already", id) end
  return runs.new(id, run_id)
end

--- Syncs a source right here, without Temporal: the same code, in this process, into the same database. With `dry` the vendor is
--- asked and nothing is changed: each window's transaction is rolled back, and what it would have done is shown.
---
---     sync { "everflow", from = "2026-01-14" }
---     sync { "everflow", from = "2026-01-14", dry = true }
---@param options table the source's name first; resources (a list), dry; all else are arguments of the source
---@return table result
function words.sync(options)
  local source = type(options) == "table" and options[1]
  check("sync", source, options)
  scripts.files()
  local own, kwargs = split(options, HERE)
  local function beat(at) progress.line("%s: %s window %d of %d", source, tostring(at.resource), at.window, at.of) end
  local ok, result = pcall(attempt.run, "sync", beat, sync.run, { source_name = source, source_kwargs = kwargs, resources = own.resources,
    dry = own.dry })
  progress.clear()
  if not ok then error(result, 0) end
  return runs.result(result)
end

-- --- reports ---

local function letter_text(result)
  if not result.ready then return ("%s for %s: not ready: %s"):format(result.name, result.channel, result.reason) end
  local letter, lines = result.letter, {}
  if result.stale then lines[1] = "not ready to be sent: " .. result.stale end
  if letter.subject then lines[#lines + 1] = ("Subject: %s\n"):format(letter.subject) end
  lines[#lines + 1] = letter.text
  if letter.sms then lines[#lines + 1] = ("(%d characters, %d SMS)"):format(letter.sms.characters, letter.sms.segments) end
  return table.concat(lines, "\n")
end

--- Renders a report as its files are saved now, and shows it. Sends nothing.
---
---     preview("daily_ccw", { date = "2026-01-14" })
---     preview("daily_ccw", nil, "email").letter.html
---@param name string
---@param params? table its parameters
---@param channel? "slack"|"email"|"sms" the report's first unless given
---@return table result { ready, letter = { text, subject, html }, reason, stale }
function words.preview(name, params, channel)
  local problem = scripts.load_reports()
  if problem then error(errors.new("ScriptError", { message = problem, stack = "" }), 0) end
  local result = report.render(name, params, channel or report.describe(name).channels[1], { even_if_stale = true })
  return show.as(result, function() return letter_text(result) end)
end

-- --- runs ---

--- Starts any workflow.
---@param workflow string its name
---@param input? any its one argument
---@param options? { id: string?, queue: string?, timeout: string? }
---@return table run
function words.start(workflow, input, options)
  options = options or {}
  local id = options.id or workflow .. "-" .. crypto.uuid()
  return runs.new(id, client.start(workflow, input, { id = id, task_queue = options.queue, timeout = options.timeout }))
end

--- Waits for a run, showing what it is at, and gives its result; a failed run raises its failure. Ctrl-C ends the waiting,
--- not the run.
---@param run table|string what trigger or start gave, a row of list(), or an id
---@return any result
function words.wait(run) return runs.wait(run) end

--- Sends a signal.
---@param run table|string
---@param name string
---@param ... any its arguments
function words.signal(run, name, ...)
  local id, run_id = runs.ids(run)
  client.signal(id, name, { n = select("#", ...), ... }, run_id)
end

--- Asks a run; a worker must be there to answer.
---@param run table|string
---@param name string
---@param ... any its arguments
---@return any answer
function words.query(run, name, ...)
  local id, run_id = runs.ids(run)
  return client.query(id, name, { n = select("#", ...), ... }, run_id)
end

--- Asks a run to cancel; it may take its time.
---@param run table|string
---@param reason? string
function words.cancel(run, reason)
  local id, run_id = runs.ids(run)
  client.cancel(id, run_id, reason)
end

--- Ends a run at once; its script hears nothing of it.
---@param run table|string
---@param reason? string
function words.terminate(run, reason)
  local id, run_id = runs.ids(run)
  client.terminate(id, run_id, reason)
end

--- Runs, newest first.
---@param visibility? string such as "ExecutionStatus = 'Running'"
---@param limit? integer 20 unless given
---@return table rows
function words.list(visibility, limit)
  local rows = {}
  for i, about in ipairs(client.list(visibility or "", limit or 20)) do rows[i] = links.row(about) end
  return show.as(rows, function(columns)
    return grid({ "status", "workflow", "id", "started", "closed" }, rows, columns)
  end)
end

--- What the server knows of a run: status, queue, open activities.
---@param run table|string
---@return table
function words.show(run) return runs.describe(run) end

local function because(found)
  return show.as(found, function()
    local lines = { found.sentence }
    for _, line in ipairs(found.evidence) do lines[#lines + 1] = "  " .. line end
    if found.fix then lines[#lines + 1] = "  -> " .. found.fix end
    return table.concat(lines, "\n")
  end)
end

local function why_all()
  local rows = {}
  for i, row in ipairs(why.ask_all(OPEN_RUNS)) do
    rows[i] = { id = row.about.execution.workflow_id, problem = row.found.problem and "PROBLEM" or "", cause = row.found.sentence }
  end
  return show.as(rows, function(columns) return grid({ "problem", "id", "cause" }, rows, columns) end)
end

--- Why a run or a schedule stands where it stands: the cause, what shows it, what to do. Without one, of all open runs.
---@param run? table|string a run, its id, or the id of a schedule
---@return table answer { problem, sentence, evidence, fix }
function words.why(run)
  if run == nil then return why_all() end
  local id, run_id = runs.ids(run)
  local ok, found = pcall(why.ask, id, run_id)
  if ok then return because(found) end
  local scheduled = errors.is(found) and found.type == "NotFoundError" and why.ask_schedule(id)
  if not scheduled then error(found, 0) end
  return because(scheduled)
end

--- The events of a run.
---@param run table|string
---@return table rows
function words.history(run)
  local id, run_id = runs.ids(run)
  local rows = {}
  for i, event in ipairs(client.history(id, run_id)) do
    local line = event_lines.row(event)
    rows[i] = { id = line[1], time = line[2], event = line[3], detail = line[4] }
  end
  return show.as(rows, function(columns) return grid({ "id", "time", "event", "detail" }, rows, columns) end)
end

-- --- data ---

--- Runs one SQL statement on the configured database and gives its rows. Parameters are values, never text.
---
---     sql "select date, sum(cost) from redtrack.daily_spend group by 1 order by 1 desc limit 7"
---     sql "select * from everflow.daily_stats where date = $day" { day = "2026-01-14" }
---     sql("select $1::int + 1 as next", 41)
---@param statement string
---@param ... any values for $1, $2; or one table for $name
---@return table rows
function words.sql(statement, ...) return query.sql(statement, ...) end

--- Any value as JSON text.
---@param value any
---@return string
function words.as_json(value) return json.encode(value) end

return words

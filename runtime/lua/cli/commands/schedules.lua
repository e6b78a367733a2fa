local absent = require "cli.absent"
local cron = require "schedule.cron"
local errors = require "errors"
local exits = require "cli.exits"
local json = require "json"
local nearest = require "nearest"
local output = require "cli.output"
local plan = require "schedule.plan"
local script = require "schedule.script"
local scripts = require "cli.scripts"
local server = require "schedule.server"
local zone = require "zone"

local FIRE_TIMES = 5
local UTC, LOCAL = "%Y-%m-%d %H:%MZ", "%Y-%m-%d %H:%M"

-- On the wall of the schedule's zone; for UTC on that of this machine.
local function local_time(seconds, tz)
  if tz == "UTC" then return os.date(LOCAL .. " %Z", seconds) end
  return os.date("!" .. LOCAL, seconds + zone.offset(seconds, tz)) .. " " .. tz
end

local function utc(ms)
  return ms and os.date("!" .. UTC, math.floor(ms / 1000)) or ""
end

-- --- plan and apply ---

local VERBS = { create = "create", update = "update", delete = "delete", keep = "no change", refuse = "REFUSED" }

local function show_step(step, with_times)
  output.line("%-9s  %s", VERBS[step.verb], step.id)
  if step.verb == "refuse" then output.line "             it is on the server and not ours: delete it there, or choose another name" end
  for _, d in ipairs(step.differences or {}) do
    output.line("             %s: %s -> %s", d.what, output.brief(d.from or "none"), output.brief(d.to))
  end
  local definition = step.definition
  if not (with_times and definition) then return end
  for _, t in ipairs(cron.next(definition.calendar, definition.tz, os.time(), FIRE_TIMES)) do
    output.line("             %s   %s", os.date("!" .. UTC, t), local_time(t, definition.tz))
  end
end

local function plain_step(step)
  local times, definition = {}, step.definition
  if definition then
    for i, t in ipairs(cron.next(definition.calendar, definition.tz, os.time(), FIRE_TIMES)) do
      times[i] = { utc = os.date("!%Y-%m-%dT%H:%M:%SZ", t), ["local"] = local_time(t, definition.tz) }
    end
  end
  return { id = step.id, step = VERBS[step.verb]:lower(), differences = json.array(step.differences or {}),
    doubt = step.doubt, cron = definition and definition.cron, tz = definition and definition.tz, next = json.array(times) }
end

local function say(steps, with_times, changes)
  local list, refused = {}, false
  for i, step in ipairs(steps) do
    show_step(step, with_times)
    list[i] = plain_step(step)
    refused = refused or step.verb == "refuse"
  end
  output.value { steps = json.array(list), changes = changes }
  return refused and exits.refused or exits.ok
end

local function pending(steps)
  local count = 0
  for _, step in ipairs(steps) do
    if step.verb == "create" or step.verb == "update" or step.verb == "delete" then count = count + 1 end
  end
  return count
end

-- What a schedule starts may be served by workers of others; a name that no script here has is more often a slip.
local function doubt(step, there)
  local name = step.definition and step.definition.workflow
  if not name or there[name] then return end
  local close = nearest.word(name, there)
  step.doubt = ("no script here defines the workflow %s%s"):format(name, close and ("; did you mean %s?"):format(close) or "")
  output.note("%s: %s", step.id, step.doubt)
end

local function steps_of(given)
  local root = given.scripts or "scripts"
  local steps = plan.make(script.read(root .. "/workflows/schedules.lua"))
  scripts.root = root
  local there = scripts.names "workflow"
  for _, name in ipairs(there) do there[name] = true end
  for _, step in ipairs(steps) do doubt(step, there) end
  return steps
end

local verbs = {}

function verbs.plan(given)
  local steps = steps_of(given)
  local changes = pending(steps)
  local code = say(steps, true, changes)
  output.line("\n%s", changes == 0 and "no change" or ("%d to change: signalroom schedules apply"):format(changes))
  return code
end

function verbs.apply(given)
  local steps = steps_of(given)
  local changes = plan.apply(steps)
  local code = say(steps, false, changes)
  output.line("\n%s", changes == 0 and "no change" or ("%d changed"):format(changes))
  return code
end

-- --- list and show ---

local function find(id)
  local found, ids = server.describe(id), {}
  if found then return found end
  for i, entry in ipairs(server.list()) do ids[i] = entry.schedule_id end
  absent("schedule", id, ids, "schedules list")
end

function verbs.list()
  local rows, list = {}, {}
  for i, entry in ipairs(server.list()) do
    local about = entry.info or {}
    local row = { id = entry.schedule_id, cron = server.timing(about.spec), tz = server.zone(about.spec),
      next = utc((about.future_action_times or {})[1]), workflow = about.workflow_type and about.workflow_type.name or "",
      paused = about.paused or false, note = about.notes or "", ours = server.ours(entry.memo) }
    list[i] = row
    rows[i] = { row.id, row.cron, row.tz, row.paused and "" or row.next, row.workflow, row.paused and "paused" or "", row.note }
  end
  output.table({ "ID", "CRON", "ZONE", "NEXT", "WORKFLOW", "PAUSED", "NOTE" }, rows)
  output.value { schedules = json.array(list) }
end

local function recent(about)
  local list = {}
  for i, action in ipairs(about.recent_actions or {}) do
    local run = action.start_workflow_result
    list[i] = { at = output.time(action.actual_time), workflow_id = run and run.workflow_id }
  end
  return list
end

local function upcoming(about)
  local list = {}
  for i, ms in ipairs(about.future_action_times or {}) do
    if i <= FIRE_TIMES then list[i] = utc(ms) end
  end
  return list
end

function verbs.show(_, id)
  local found = find(id)
  local schedule, about = found.schedule or {}, found.info or {}
  local start, state = schedule.action and schedule.action.start_workflow or {}, schedule.state or {}
  local shown = { id = id, cron = server.timing(schedule.spec), tz = server.zone(schedule.spec), workflow = start.workflow_type and
    start.workflow_type.name, workflow_id = start.workflow_id, queue = start.task_queue and start.task_queue.name,
    overlap = tostring(schedule.policies and schedule.policies.overlap_policy or ""):gsub("^SCHEDULE_OVERLAP_POLICY_", ""):lower(),
    paused = state.paused or false, note = state.notes or "", ours = server.ours(found.memo), started = about.action_count or 0,
    skipped = about.overlap_skipped or 0, missed = about.missed_catchup_window or 0 }
  for _, key in ipairs { "id", "cron", "tz", "workflow", "workflow_id", "queue", "overlap", "paused", "note", "ours", "started",
    "skipped", "missed" } do
    output.line("%-12s %s", key:gsub("_", " "), tostring(shown[key] == nil and "" or shown[key]))
  end
  local past, future = recent(about), upcoming(about)
  for _, run in ipairs(past) do output.line("%-12s %s  %s", "ran", run.at, run.workflow_id or "") end
  for i, ms in ipairs(about.future_action_times or {}) do
    if future[i] then output.line("%-12s %s  %s", "next", future[i], local_time(math.floor(ms / 1000), shown.tz)) end
  end
  shown.recent, shown.next = json.array(past), json.array(future)
  output.value(shown)
end

-- --- by hand ---

local function done(word, id)
  output.line("%s: %s", word, id)
  output.value { id = id, done = word:lower() }
end

function verbs.pause(given, id)
  find(id)
  server.patch(id, { pause = given.reason or "paused by signalroom" })
  done("Paused", id)
end

function verbs.resume(given, id)
  local note = given.reason or server.note(find(id).schedule)
  server.patch(id, { unpause = note ~= "" and note or "resumed by signalroom" })
  done("Resumed", id)
end

function verbs.trigger(_, id)
  find(id)
  server.patch(id, { trigger_immediately = {} })
  done("Triggered", id)
end

local function refuse_foreign(id, found)
  if server.ours(found.memo) then return end
  error(errors.new("PermissionDeniedError", { non_retryable = true,
    message = ("schedule %s was not made by signalroom schedules apply; it is left alone"):format(id) }), 0)
end

local function delete_all()
  local ids = {}
  for _, entry in ipairs(server.list()) do
    if server.ours(entry.memo) and server.describe(entry.schedule_id) then
      server.delete(entry.schedule_id)
      ids[#ids + 1] = entry.schedule_id
      output.line("Deleted: %s", entry.schedule_id)
    end
  end
  output.value { deleted = json.array(ids) }
end

function verbs.delete(given, id)
  if given.all then return delete_all() end
  refuse_foreign(id, find(id))
  server.delete(id)
  output.line("Deleted: %s", id)
  output.value { deleted = json.array { id } }
end

-- --- the command ---

local WORDS = { "plan", "apply", "list", "show", "pause", "resume", "trigger", "delete" }
local WITH_ID = { show = true, pause = true, resume = true, trigger = true, delete = true }

local function usage(format, ...)
  error({ usage = format:format(...) }, 0)
end

return {
  name = "schedules", usage = "schedules plan|apply|list|show|pause|resume|trigger|delete [ID]", least = 1, most = 2, connects = true,
  completes = { { "plan", "apply", "list", "show", "pause", "resume", "trigger", "delete" }, "schedules" },
  about = "when what runs: scripts/workflows/schedules.lua, and what the server has",
  details = "plan     what apply would do, and the next fire times\n"
    .. "apply    create, update in place (pauses and history stay), delete those of ours that the script no longer has\n"
    .. "list     all schedules of the namespace\n"
    .. "show ID  one of them, with its last and next runs\n"
    .. "pause ID, resume ID, trigger ID, delete ID, delete --all\n\n"
    .. "Only what apply made is ever updated or deleted.",
  options = {
    { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" },
    { name = "reason", value = "TEXT", about = "of pause and resume; it becomes the schedule's note" },
    { name = "all", about = "with delete: all that apply made" },
  },
  run = function(given, rest)
    local word, id = rest[1], rest[2]
    local verb = verbs[word]
    if not verb then
      local close = nearest.word(word, WORDS)
      usage("schedules knows %s%s", table.concat(WORDS, ", "), close and ("; did you mean %s?"):format(close) or "")
    end
    if WITH_ID[word] and not id and not given.all then usage("usage: signalroom schedules %s ID", word) end
    if id and (not WITH_ID[word] or given.all) then usage("schedules %s takes no ID here", word) end
    if given.all and word ~= "delete" then usage "--all goes with delete" end
    return verb(given, id)
  end,
}

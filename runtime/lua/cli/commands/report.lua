local absent = require "cli.absent"
local activity = require "activity.api"
local client = require "client"
local dates = require "sync.dates"
local diff = require "cli.diff"
local errors = require "errors"
local exits = require "cli.exits"
local file = require "activity.file"
local folder = require "report.folder"
local json = require "json"
local output = require "cli.output"
local report = require "report"
local runs = require "cli.runs"
local sorted_keys = require "sorted_keys"

local LOOK_EVERY = 0.2 -- seconds between looks at the folder
local CLIPPED_FROM = 102 * 1024 -- Gmail hides what is behind

local function usage(format, ...)
  error({ usage = format:format(...) }, 0)
end

local function check_name(name)
  local names = report.names()
  for _, there in ipairs(names) do
    if there == name then return end
  end
  absent("report", name, names, "report")
end

-- --- the list ---

local function shown(name, param)
  if param.default == nil then return name .. " (needed)" end
  return ("%s=%s"):format(name, type(param.default) == "table" and json.encode(param.default) or tostring(param.default))
end

local function plain(about)
  local params = json.object {}
  for name, param in pairs(about.params) do
    params[name] = { kind = param.kind, default = param.default == nil and json.null or param.default, about = param.about,
      one_of = param.one_of and json.array(param.one_of) }
  end
  return { name = about.name, about = about.about, tz = about.tz, channels = json.array(about.channels),
    needs = json.object(about.needs), params = params }
end

local function list()
  local all, rows = {}, {}
  for i, name in ipairs(report.names()) do
    local about = report.describe(name)
    local params = {}
    for param, declared in pairs(about.params) do params[#params + 1] = shown(param, declared) end
    table.sort(params)
    all[i], rows[i] = plain(about), { name, table.concat(about.channels, ", "), table.concat(params, ", "), about.about }
  end
  output.table({ "REPORT", "CHANNELS", "PARAMS", "ABOUT" }, rows)
  output.value { reports = json.array(all) }
end

-- --- one report ---

local function params_of(given)
  local params = {}
  for _, word in ipairs(given.param or {}) do
    local name, value = word:match "^([%a_][%w_]*)=(.*)$"
    if not name then usage("--param takes name=value, not %s", word) end
    params[name] = value
  end
  params.date = given.date or params.date
  return params
end

local function show_letter(letter)
  if letter.subject then output.line("Subject: %s\n", letter.subject) end
  output.line("%s", letter.text)
  if letter.blocks then output.line("\n%s", json.encode(letter.blocks)) end
end

local function note_size(letter)
  local sms, html = letter.sms, letter.html
  if sms then
    output.note("SMS: %d characters, %s, %d message%s", sms.characters, sms.encoding, sms.segments, sms.segments > 1 and "s" or "")
  end
  if html then
    output.note("HTML: %d bytes%s", #html, #html > CLIPPED_FROM and "; Gmail clips a mail behind 102 KB" or "")
  end
end

-- What loads the tables that are too old.
local function remedy(result)
  local commands, seen = {}, {}
  for _, needed in ipairs(sorted_keys(result.stale and report.describe(result.name).needs or {})) do
    local source = needed:match "^[^.]+"
    if not seen[source] then commands[#commands + 1] = ("signalroom trigger %s -w"):format(source) end
    seen[source] = true
  end
  return #commands > 0 and table.concat(commands, "; ") or nil
end

local function show(result)
  result.fix = remedy(result)
  if not result.ready then
    output.line("%s for %s: not ready: %s", result.name, result.channel, result.reason)
    if result.fix then output.line("  -> %s", result.fix) end
    return exits.failed
  end
  if result.stale then output.note("not ready to be sent: %s\n  -> %s", result.stale, result.fix) end
  show_letter(result.letter)
  note_size(result.letter)
  return exits.ok
end

local function channel_of(job)
  return job.channel or report.describe(job.name).channels[1]
end

local function render(job, params)
  return report.render(job.name, params or job.params, channel_of(job), { even_if_stale = true })
end

local function write_html(path, result)
  if not result.ready then return end
  if not result.letter.html then usage("--html is for e-mail: add --channel email") end
  file.write(path, result.letter.html)
  output.note("written: %s", path)
end

local function print_once(job)
  local result = render(job)
  local code = show(result)
  if job.html then write_html(job.html, result) end
  output.value(result)
  return code
end

-- --- --diff ---

local function text_of(result)
  local letter = result.letter
  if not result.ready then return "not ready: " .. result.reason end
  return letter.subject and ("Subject: %s\n\n%s"):format(letter.subject, letter.text) or letter.text
end

local function print_difference(job, other)
  local now = render(job)
  if not now.date then usage("report %s has no date to compare by", job.name) end
  local params = {}
  for name, value in pairs(job.params) do params[name] = value end
  params.date = other == "yesterday" and dates.add(now.date, -1) or other
  local before = render(job, params)
  local lines, same = diff(text_of(before), text_of(now))
  output.line("--- %s\n+++ %s", before.date, now.date)
  for _, line in ipairs(lines) do output.line("%s", line) end
  output.value { name = job.name, channel = now.channel, before = before, after = now, same = same, lines = json.array(lines) }
  return exits.ok
end

-- --- --watch ---

local function load_and_print(job)
  folder.load(job.scripts)
  print_once(job)
end

-- What is wrong just now is said, and waited for.
local function watch(job)
  local seen
  while true do
    local stamp = folder.stamp(job.scripts)
    if stamp ~= seen then
      seen = stamp
      local ok, problem = pcall(load_and_print, job)
      if not ok then output.note("%s", problem.usage or tostring(errors.normalize(problem))) end
      output.note("-- %s %s; watching %s/reports, Ctrl-C ends", job.name, os.date "%H:%M:%S", job.scripts)
    end
    activity.sleep(LOOK_EVERY)
  end
end

-- --- --send ---

local function send(job, given)
  local params = report.params(job.name, job.params)
  local id = ("report-%s-%s-manual"):format(job.name, job.channel)
  local run_id = client.start("RunReportWorkflow", { report_name = job.name, channel = job.channel, params = params, send = true,
    recipients = given.to, again = given.again }, { id = id, task_queue = given.queue })
  runs.announce(id, run_id)
  return runs.wait(id, run_id)
end

local function check_together(given, name)
  if given.watch and not name then usage "--watch wants the name of a report" end
  if given.send and not given.channel then usage "--send wants the channel said: --channel slack, email or sms" end
  for _, pair in ipairs { { "watch", "json" }, { "watch", "send" }, { "watch", "diff" }, { "send", "diff" }, { "send", "html" },
    { "diff", "html" } } do
    if given[pair[1]] and given[pair[2]] then usage("--%s and --%s do not go together", pair[1], pair[2]) end
  end
  for _, word in ipairs { "to", "again" } do
    if given[word] and not given.send then usage("--%s goes with --send", word) end
  end
end

return {
  name = "report", usage = "report [NAME] [--date D] [--channel slack|email|sms] [--send]", most = 1, connects = true,
  completes = "reports",
  about = "print a report as it would be sent; without a name, what reports there are",
  details = "Prints and sends nothing, unless --send says so: that runs RunReportWorkflow and waits for it.\n"
    .. "Exits 1 when there is nothing to say: no data for the day.",
  options = {
    { name = "date", value = "D", about = "YYYY-MM-DD, today or yesterday, in the report's time zone" },
    { name = "channel", short = "c", value = "NAME", about = "slack, email or sms; the report's first unless given" },
    { name = "param", short = "p", value = "NAME=VALUE...", many = true, about = "parameters of the report" },
    { name = "html", value = "FILE", about = "write the e-mail's HTML there, for a browser" },
    { name = "diff", value = "DATE", about = "how it differs from the report of that date; yesterday: of the day before" },
    { name = "watch", short = "w", about = "print again whenever a report or template is saved" },
    { name = "send", about = "really send it" },
    { name = "to", value = "RECIPIENT...", many = true, about = "with --send: these instead of the configured ones" },
    { name = "again", about = "with --send: although it was sent already" },
    { name = "queue", short = "q", value = "NAME", about = "task queue; api-tasks unless given" },
    { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" },
  },
  run = function(given, rest)
    check_together(given, rest[1])
    local job = { name = rest[1], params = params_of(given), channel = given.channel or given.html and "email", html = given.html,
      scripts = given.scripts or "scripts" }
    if given.watch then return watch(job) end
    folder.load(job.scripts)
    if not job.name then return list() end
    check_name(job.name)
    if given.send then return send(job, given) end
    if given.diff then return print_difference(job, given.diff) end
    return print_once(job)
  end,
}

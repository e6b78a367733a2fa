local alerts = require "cli.alerts"
local duration = require "duration"
local nearest = require "nearest"
local output = require "cli.output"
local scripts = require "cli.scripts"

local EVERYTHING = "*"

-- A subject may be anything; one that is nearly a source or a report is told.
local function doubt(subject)
  local names, known = {}, {}
  for _, kind in ipairs { "source", "report" } do
    for _, name in ipairs(scripts.names(kind)) do names[#names + 1], known[name] = name, true end
  end
  local close = not known[subject] and nearest.word(subject, names)
  if close then output.note("Nothing here is named %s; did you mean %s? signalroom unmute %s takes it back.", subject, close, subject) end
end

return {
  name = "mute", usage = "mute DURATION [SUBJECT]", least = 1, most = 2,
  about = "hear nothing of failures for a while: mute 1h everflow",
  details = "DURATION is 30m, 1h or 2d. SUBJECT is what `signalroom alerts` shows: a source, a report, the sources of a scheduled\n"
    .. "sync; everything unless given. Failures are counted meanwhile; what recovered meanwhile is never told.",
  run = function(_, rest)
    local ok, ms = pcall(duration.ms, rest[1], "DURATION")
    if not ok or tonumber(rest[1]) then error({ usage = "DURATION is 30m, 1h or 2d, not " .. rest[1] }, 0) end
    local subject = rest[2] or EVERYTHING
    local till = alerts.mute(subject, ms / 1000)
    output.line("Muted: %s until %s UTC", subject == EVERYTHING and "everything" or subject, till)
    if rest[2] then doubt(subject) end
    output.value { subject = subject, ["until"] = till }
  end,
}

local alerts = require "cli.alerts"
local json = require "json"
local output = require "cli.output"

local DAYS = 7

local function section(title, headings, list, row_of)
  if #list == 0 then return end
  local rows = {}
  for i, one in ipairs(list) do rows[i] = row_of(one) end
  output.line("%s", title)
  output.table(headings, rows)
end

local function show(open, mutes, undelivered)
  section("Wrong just now (times in UTC):", { "SUBJECT", "CLASS", "FAILURES", "SINCE", "LAST", "TOLD BY", "TEXT" }, open, function(one)
    return { one.subject, one.class, one.failures, one.opened, one.last, one.channel or "nobody yet", output.brief(one.text, 60) }
  end)
  section("Muted:", { "SUBJECT", "" }, mutes, function(one)
    return { one.subject, ("until %s UTC"):format(one["until"]) }
  end)
  section(("Reached nobody in the last %d days:"):format(DAYS), { "AT", "SUBJECT", "TEXT", "REASON" }, undelivered, function(one)
    return { one.at, one.subject, output.brief(one.text, 60), output.brief(one.reason, 80) }
  end)
  if #open + #mutes + #undelivered == 0 then output.line "Nothing is wrong, nothing is muted, nothing is undelivered." end
end

return {
  name = "alerts", usage = "alerts",
  about = "what is wrong just now, what is muted, which alerts reached nobody",
  details = "Reads the tables in the schema `signalroom`; see docs/alerts.md. `signalroom mute` and `unmute` change what is told.",
  run = function()
    local open, mutes, undelivered = alerts.open(), alerts.mutes(), alerts.undelivered(DAYS)
    show(open, mutes, undelivered)
    output.value { open = json.array(open), mutes = json.array(mutes), undelivered = json.array(undelivered) }
  end,
}

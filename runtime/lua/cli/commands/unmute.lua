local alerts = require "cli.alerts"
local errors = require "errors"
local json = require "json"
local output = require "cli.output"

return {
  name = "unmute", usage = "unmute [SUBJECT]", most = 1,
  about = "hear of failures again; of everything unless a subject is given",
  run = function(_, rest)
    local subjects = alerts.unmute(rest[1])
    if rest[1] and #subjects == 0 then
      error(errors.new("NotFoundError", { message = rest[1] .. " is not muted" }), 0)
    end
    for _, subject in ipairs(subjects) do output.line("Unmuted: %s", subject == "*" and "everything" or subject) end
    if #subjects == 0 then output.line "Nothing was muted." end
    output.value { unmuted = json.array(subjects) }
  end,
}

-- What the database knows of alerts, for the commands `alerts`, `mute` and `unmute`.

local pg = require "activity.pg"

local alerts = {}

local MINUTE = "YYYY-MM-DD HH24:MI"

local function query(sql, ...)
  local connection = pg.connect()
  local rows = connection:query(sql, ...)
  connection:close()
  return rows
end

--- Keeps a subject quiet, or everything: "*".
---@param subject string
---@param seconds number
---@return string until UTC
function alerts.mute(subject, seconds)
  return query([[
    INSERT INTO signalroom.mutes AS m (subject, until) VALUES ($1, clock_timestamp() + make_interval(secs => $2))
    ON CONFLICT (subject) DO UPDATE SET until = EXCLUDED.until, muted_at = clock_timestamp()
    RETURNING to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS until]], subject, seconds)[1]["until"]
end

--- Lifts a mute.
---@param subject string? every one unless given
---@return string[] subjects that were muted
function alerts.unmute(subject)
  local subjects = {}
  for i, row in ipairs(query([[
    WITH gone AS (DELETE FROM signalroom.mutes WHERE $1::text IS NULL OR subject = $1 RETURNING subject, until)
    SELECT subject FROM gone WHERE until > clock_timestamp() ORDER BY subject]], subject)) do
    subjects[i] = row.subject
  end
  return subjects
end

--- What is wrong just now, oldest first.
function alerts.open()
  return query([[
    SELECT subject, class, failures, to_char(opened_at AT TIME ZONE 'UTC', $1) AS opened, to_char(last_at AT TIME ZONE 'UTC', $1) AS last,
           channel, text
      FROM signalroom.alerts WHERE recovered_at IS NULL ORDER BY incident]], MINUTE)
end

function alerts.mutes()
  return query([[
    SELECT subject, to_char(until AT TIME ZONE 'UTC', $1) AS until FROM signalroom.mutes
     WHERE until > clock_timestamp() ORDER BY subject]], MINUTE)
end

--- What reached nobody within some days, newest first.
---@param days number
function alerts.undelivered(days)
  return query([[
    SELECT subject, to_char(at AT TIME ZONE 'UTC', $1) AS at, text, reason, workflow_id FROM signalroom.undelivered
     WHERE at > clock_timestamp() - make_interval(days => $2::int) ORDER BY at DESC]], MINUTE, days)
end

return alerts

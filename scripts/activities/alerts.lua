-- Alerts: what went wrong, told to those who run SignalRoom. Somebody hears of a failure once, not once a failure.
--
-- The database knows what was told; without it the message itself does: every alert carries its fingerprint, and Slack
-- is asked for it.

local incidents = require "activities.sending.incidents"
local letters = require "activities.sending.letters"

local CHANNEL = setting("SLACK_ALERT_CHANNEL_ID", setting("SLACK_CHANNEL_ID", ""))
local FALLBACK = setting("SIGNALROOM_ALERT_FALLBACK", "")   -- "email:ops@example.com"
local LOOK_BACK = 3600 -- seconds in which Slack is asked for an equal alert when the database cannot be

local BEGAN = os.time()

local function fingerprint(alert)
  return letters.key(alert.subject .. "\0" .. (alert.class or "")):sub(1, 40)
end

local function letter_of(text, key)
  return { text = text, subject = "SignalRoom Alert", to = CHANNEL, key = key, deadline = letters.deadline(BEGAN) }
end

local function once_a_task(letter)
  local task = activity.info()
  letter.again, letter.since = task.attempt > 1, task.scheduled_at
  return letter
end

local function post(db, incident, letter)
  local ok, sent = pcall(letters.send, "slack", letter)
  if ok then return sent.id end
  incidents.leave(db, incident, letters.task())
  error(sent, 0)
end

-- --- failures ---

local function counted(text, incident)
  if incident.failures == 1 then return text end
  return ("%s\n(%d times since %s UTC, last %s UTC)"):format(text, incident.failures, incident.opened, incident.last)
end

local act = {}

function act.muted(_, alert)
  log.info("alert_muted", { subject = alert.subject, text = alert.text })
end

function act.counted(_, alert)
  log.info("alert_counted", { subject = alert.subject, text = alert.text })
end

-- The message is there; a counter that could not be moved on now moves on with the next failure.
function act.update(_, alert, incident)
  log.info("alert_counted", { subject = alert.subject, failures = incident.failures })
  if incident.channel ~= "slack" then return end
  local channel = letters.channel "slack"
  local ok, problem = pcall(channel.change, letter_of(counted(alert.text, incident)), incident.message_id)
  if not ok then log.warning("alert_counter_stands", { subject = alert.subject, error = tostring(problem) }) end
end

function act.post(db, alert, incident)
  local letter = letter_of(counted(alert.text, incident), ("%s-%d-%d"):format(fingerprint(alert), incident.incident, incident.posts))
  letter.again, letter.since = incident.again, incident.since
  incidents.posted(db, incident.incident, "slack", post(db, incident.incident, letter))
end

-- --- recoveries ---

local function plural(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

local function recovery(db, alert)
  local past = incidents.recovered(db, alert.subject, letters.task())
  if not past then return end
  local letter = letter_of(("%s recovered after %s, %s"):format(alert.subject, plural(past.failures, "failure"),
    plural(math.floor(past.seconds / 60 + 0.5), "minute")), ("%s-recovered-%d"):format(fingerprint(alert), past.first))
  letter.again, letter.since = past.again, past.since
  post(db, past.first, letter)
  incidents.close(db, alert.subject, past.last)
end

-- --- without the database ---

-- Slack is asked for an equal alert of the last hour first; where it may not be asked, an alert twice is better than none.
local function post_without_state(alert)
  local letter = letter_of(alert.text, ("%s-%s"):format(fingerprint(alert), letters.key(letters.task()):sub(-16)))
  letter.again, letter.since, letter.like = true, os.time() - LOOK_BACK, fingerprint(alert)
  return letters.send("slack", letter)
end

local function database()
  local ok, db = pcall(pg.connect)
  if ok then return db end
  log.warning("alert_state_unavailable", { error = tostring(db) })
end

local function failure(db, alert)
  alert.task = letters.task()
  local ok, incident = pcall(incidents.failed, db, alert)
  if ok then return act[incident.act](db, alert, incident) end
  log.warning("alert_state_unavailable", { error = tostring(incident) })
  post_without_state(alert)
end

local function news(alert)
  letters.send("slack", once_a_task(letter_of(alert.text, letters.key(letters.task()))))
end

-- With a class it is a failure; `recovered` is the end of all failures of the subject; else it is news.
local function tell(alert)
  if not alert.class and not alert.recovered then return news(alert) end
  local db = database()
  if alert.recovered then return db and recovery(db, alert) end
  if db then return failure(db, alert) end
  post_without_state(alert)
end

local function print_it(alert)
  if alert.text then letters.send("slack", letter_of(alert.text)) end
end

activity "alert_activity" {
  run = function(alert)
    if not letters.production then return print_it(alert) end
    if not alert.recovered then secret(letters.channel("slack").token) end
    if CHANNEL ~= "" and CHANNEL == setting("SLACK_CHANNEL_ID", "") then
      log.warning("alerts_share_the_channel_of_reports", { hint = "set SLACK_ALERT_CHANNEL_ID" })
    end
    tell(alert)
  end,
}

-- --- when that failed ---

local function by_fallback(alert)
  local name, to = FALLBACK:match "^(%a+):(.+)$"
  if not name then error(KeyError "SIGNALROOM_ALERT_FALLBACK is not set: CHANNEL:RECIPIENT, as in email:ops@example.com", 0) end
  letters.channel(name)
  local letter = once_a_task(letter_of(alert.text, letters.key(letters.task())))
  letter.to = to
  return letters.send(name, letter), name
end

-- The failures that follow shall know that this one was told.
local function note(alert, channel, id)
  if not alert.class then return end
  local ok, problem = pcall(function() incidents.told(pg.connect(), alert.subject, alert.class, channel, id) end)
  if not ok then log.warning("alert_state_unavailable", { error = tostring(problem) }) end
end

local function keep(alert, reason)
  local task = activity.info()
  log.error("alert_undelivered", { subject = alert.subject, text = alert.text, reason = reason })
  local ok, problem = pcall(function()
    incidents.undelivered(pg.connect(), { task = letters.task(), subject = alert.subject, text = alert.text, reason = reason,
      workflow_id = task.workflow_id, run_id = task.run_id })
  end)
  if not ok then log.error("alert_not_kept", { error = tostring(problem) }) end
end

-- Slack once more, without the database, which may be what kept the alert from going out; then the other channel; then
-- the table of what reached nobody. Says which.
activity "alert_fallback_activity" {
  run = function(alert)
    local ok, sent = pcall(post_without_state, alert)
    local channel = "slack"
    if not ok then
      ok, sent, channel = pcall(by_fallback, alert)
    end
    if not ok then
      keep(alert, ("%s; %s"):format(alert.reason, tostring(sent)))
      return "undelivered"
    end
    note(alert, channel, sent.id)
    return channel
  end,
}

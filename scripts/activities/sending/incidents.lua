-- Incidents: from the first failure of something to its recovery, one row in signalroom.alerts a subject and class of
-- error. They say what people hear: a post, a counter in it, one word at the end, or nothing.
--
-- Who is about to post says so first (posting_task), so that two failures at once post once, and a retry looks for what
-- the attempt before it may have posted.

local POSTING = 60                                          -- seconds that a post takes at most
local WINDOW = setting("SIGNALROOM_ALERT_WINDOW", "1 day")  -- an interval of PostgreSQL; then it is posted anew

local incidents = {}

local COUNT = [[
  INSERT INTO signalroom.alerts AS a (subject, class, text, last_task) VALUES ($subject, $class, $text, $task)
  ON CONFLICT (subject, class) WHERE recovered_at IS NULL DO UPDATE
     SET failures = a.failures + (a.last_task <> $task)::int, text = $text, last_task = $task,
         last_at = CASE WHEN a.last_task <> $task THEN clock_timestamp() ELSE a.last_at END
  RETURNING incident, failures, channel, message_id, posts, posting_task,
            message_id IS NOT NULL AND posted_at > clock_timestamp() - $window::interval AS is_posted,
            to_char(opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS opened, to_char(last_at AT TIME ZONE 'UTC', 'HH24:MI') AS last,
            extract(epoch FROM posting_at)::float8 AS since, posting_to > clock_timestamp() AS is_posting]]

local MUTED = [[SELECT 1 FROM signalroom.mutes WHERE subject IN ($1, '*') AND until > clock_timestamp()]]

local BEGIN = [[
  UPDATE signalroom.alerts
     SET posting_task = $task, posting_at = COALESCE(posting_at, clock_timestamp()),
         posting_to = clock_timestamp() + make_interval(secs => $seconds)
   WHERE incident = $incident]]

local LEAVE = "UPDATE signalroom.alerts SET posting_to = NULL WHERE incident = $1 AND posting_task = $2"

local POSTED = [[
  UPDATE signalroom.alerts
     SET channel = $channel, message_id = $id, posts = posts + 1, posted_at = clock_timestamp(),
         posting_task = NULL, posting_at = NULL, posting_to = NULL
   WHERE incident = $incident]]

local function is_muted(tx, subject)
  return tx:query(MUTED, subject)[1] ~= nil
end

local function decide(tx, failure)
  local row = tx:query(COUNT, { subject = failure.subject, class = failure.class, text = failure.text, task = failure.task,
    window = WINDOW })[1]
  if is_muted(tx, failure.subject) then
    row.act = "muted"
  elseif row.is_posted then
    row.act = "update"
  elseif row.is_posting and row.posting_task ~= failure.task then
    row.act = "counted"
  else
    row.act, row.again = "post", row.posting_task ~= nil
    tx:query(BEGIN, { incident = row.incident, task = failure.task, seconds = POSTING })
  end
  return row
end

--- Counts a failure, once for all attempts of the task, and says what is to be done about it: "post", "update" (put the
--- counter into the message that is there), "counted" or "muted".
---@param failure { subject: string, class: string, text: string, task: string }
---@return table incident act, incident, failures, opened, last, channel, message_id, posts, again, since
function incidents.failed(db, failure)
  return db:transaction(function(tx) return decide(tx, failure) end)
end

--- Lets somebody else try: the post failed, or nobody knows.
function incidents.leave(db, incident, task)
  db:query(LEAVE, incident, task)
end

--- Writes down where the message is.
function incidents.posted(db, incident, channel, id)
  db:query(POSTED, { incident = incident, channel = channel, id = id })
end

--- The subjects of what is wrong just now; nil when nothing is, or nobody can tell. Never raises.
---@return string[]?
function incidents.open()
  local ok, rows = pcall(function()
    return pg.connect():query "SELECT DISTINCT subject FROM signalroom.alerts WHERE recovered_at IS NULL ORDER BY subject"
  end)
  if not ok then log.warning("alert_state_unavailable", { error = tostring(rows) }) end
  if not ok or #rows == 0 then return nil end
  local subjects = {}
  for i, row in ipairs(rows) do subjects[i] = row.subject end
  return subjects
end

local TOLD = [[
  UPDATE signalroom.alerts
     SET channel = $channel, message_id = $id, posts = posts + 1, posted_at = clock_timestamp(),
         posting_task = NULL, posting_at = NULL, posting_to = NULL
   WHERE subject = $subject AND class = $class AND recovered_at IS NULL]]

--- Writes down where an alert is that went another way.
function incidents.told(db, subject, class, channel, id)
  db:query(TOLD, { subject = subject, class = class, channel = channel, id = id })
end

local OPEN = [[
  SELECT incident, failures, message_id, posting_task, extract(epoch FROM posting_at)::float8 AS since,
         posting_to > clock_timestamp() AS is_posting,
         extract(epoch FROM clock_timestamp() - opened_at)::float8 AS seconds
    FROM signalroom.alerts WHERE subject = $1 AND recovered_at IS NULL ORDER BY incident FOR UPDATE]]

local CLOSE = [[
  UPDATE signalroom.alerts SET recovered_at = clock_timestamp(), posting_task = NULL, posting_at = NULL, posting_to = NULL
   WHERE subject = $1 AND incident <= $2 AND recovered_at IS NULL]]

local function summed(rows, task)
  local sum = { failures = 0, seconds = 0, first = rows[1].incident, last = rows[#rows].incident, again = rows[1].posting_task ~= nil,
    since = rows[1].since }
  for _, row in ipairs(rows) do
    sum.failures, sum.seconds = sum.failures + row.failures, math.max(sum.seconds, row.seconds)
    sum.was_posted = sum.was_posted or row.message_id ~= nil
    sum.is_posting = sum.is_posting or row.is_posting and row.posting_task ~= task
  end
  return sum
end

local function end_of(tx, subject, task)
  local rows = tx:query(OPEN, subject)
  if #rows == 0 then return nil end
  local sum = summed(rows, task)
  if sum.is_posting then return nil end
  if not sum.was_posted or is_muted(tx, subject) then
    tx:query(CLOSE, subject, sum.last)
    return nil
  end
  tx:query(BEGIN, { incident = sum.first, task = task, seconds = POSTING })
  return sum
end

--- What there is to say about a success: nil when nothing was wrong, or nobody had heard of it.
---@return { failures: integer, seconds: number, first: integer, last: integer, again: boolean, since: number? }?
function incidents.recovered(db, subject, task)
  return db:transaction(function(tx) return end_of(tx, subject, task) end)
end

--- Closes what recovered() told of, once it was said.
function incidents.close(db, subject, last)
  db:query(CLOSE, subject, last)
end

local UNDELIVERED = [[
  INSERT INTO signalroom.undelivered (task, subject, text, reason, workflow_id, run_id)
  VALUES ($task, $subject, $text, $reason, $workflow_id, $run_id) ON CONFLICT (task) DO NOTHING]]

--- Keeps an alert that no channel took.
function incidents.undelivered(db, alert)
  db:query(UNDELIVERED, alert)
end

return incidents

-- The outbox: what is sent of reports, one row a letter, in signalroom.outbox. A claim is committed before anything is
-- sent, so that whoever comes later knows that it may have been sent:
--
--   nothing -> claimed -> sent      the vendor took it
--                      -> refused   it certainly was not sent: whoever comes next sends
--                      -> unknown   it may have been sent, and nobody can tell: whoever comes next looks again
--
-- A claim whose attempt died, or got no answer, stays claimed: the next attempt looks too.
-- Of a claim that was left the letter is taken over as it is: what goes out under a key is always the same.

local LEASE = 120 -- seconds; longer than an attempt takes
local LOOK = 15   -- seconds until the next look at what somebody else is sending

local outbox = {}

local INSERT = [[
  INSERT INTO signalroom.outbox (key, report, date, params, channel, recipient, state, letter, claimant, attempt)
  VALUES ($key, $report, $date::date, $params, $channel, $recipient, 'claimed', $letter, $claimant, $attempt)
  ON CONFLICT (key) DO NOTHING RETURNING key]]

local LOCK = [[
  SELECT state, letter, claimant, message_id, extract(epoch FROM since)::float8 AS since,
         extract(epoch FROM clock_timestamp() - claimed_at)::float8 AS age
    FROM signalroom.outbox WHERE key = $1 FOR UPDATE]]

local TAKE = [[
  UPDATE signalroom.outbox
     SET state = 'claimed', letter = $letter, claimant = $claimant, attempt = $attempt, claimed_at = clock_timestamp(),
         since = CASE WHEN state = 'refused' THEN clock_timestamp() ELSE since END
   WHERE key = $key]]

local SETTLE = [[
  UPDATE signalroom.outbox
     SET state = $state, message_id = $id, problem = $problem, sent_at = CASE WHEN $state = 'sent' THEN clock_timestamp() END
   WHERE key = $key AND claimant = $claimant AND attempt = $attempt]]

-- Somebody else is at it, or was when they died.
local function wait_for(row, entry)
  if row.state ~= "claimed" or row.claimant == entry.claimant or row.age > LEASE then return end
  error(ApplicationError { type = "Busy", message = "another run is sending this just now", next_retry_delay = LOOK }, 0)
end

local function claim(tx, entry)
  local fresh = tx:query(INSERT, entry)
  if fresh[1] then return { letter = entry.letter } end
  local row = tx:query(LOCK, entry.key)[1]
  if row.state == "sent" then return { sent = true, id = row.message_id } end
  wait_for(row, entry)
  local again = row.state ~= "refused"
  local letter = again and row.letter or entry.letter
  tx:query(TAKE, { key = entry.key, letter = letter, claimant = entry.claimant, attempt = entry.attempt })
  return { letter = letter, again = again, since = row.since }
end

--- Claims a letter, or says that it was sent. Raises Busy while somebody else is at it.
---@param db table
---@param entry table key, report, date, params, channel, recipient, letter, claimant, attempt
---@return { sent: boolean?, id: string?, letter: table?, again: boolean?, since: number? }
function outbox.claim(db, entry)
  return db:transaction(function(tx) return claim(tx, entry) end)
end

--- Writes down what came of a claim: "sent" with the vendor's id, "refused" or "unknown" with the problem.
function outbox.settle(db, entry, state, id, problem)
  db:query(SETTLE, { key = entry.key, claimant = entry.claimant, attempt = entry.attempt, state = state, id = id or json.null,
    problem = problem or json.null })
end

return outbox

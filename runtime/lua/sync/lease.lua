-- One live run of a source at a time: a second one waits until the first has ended, since two would load the same days twice and
-- trip over each other's cursor. A row in signalroom.running, not a session's lock, so that poolers may stand between. It is
-- a courtesy: what keeps numbers right are the guards of sync.load. Backfills need none, they leave the cursor alone.

local activity = require "activity.api"
local errors = require "errors"
local log = require "activity.log"
local timer = require "native.timer"

local RENEW_MS, LONGEST_WAIT_MS = 30000, 10 * 60000

local lease = {}

local function try(turn)
  return #turn.connection:query([[INSERT INTO signalroom.running AS r (name, run_id, workflow_id) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET run_id = excluded.run_id, workflow_id = excluded.workflow_id, since = clock_timestamp(),
      beat_at = clock_timestamp()
      WHERE r.run_id = excluded.run_id OR r.beat_at < clock_timestamp() - interval '3 minutes' RETURNING 1 AS got]],
    turn.name, turn.owner, turn.workflow_id) > 0
end

local function holder(turn)
  local row = turn.connection:query("SELECT workflow_id, since::text AS since FROM signalroom.running WHERE name = $1", turn.name)[1]
  return row and ("%s, which runs since %s"):format(row.workflow_id or "another run", row.since) or "another run"
end

local function wait_for(turn)
  local began = timer.now()
  log.info("pipeline_waiting", { source = turn.name, holder = holder(turn) })
  repeat
    if timer.now() - began > LONGEST_WAIT_MS then
      error(errors.ApplicationError { type = "Busy", message = ("%s is held by %s"):format(turn.name, holder(turn)) }, 0)
    end
    activity.sleep "1s"
  until try(turn)
end

--- Waits until the source is this run's.
---@param order table  the run's connection, run_id and info
---@param name string  source and client
---@return table turn
function lease.take(order, name)
  local turn = { connection = order.connection, name = name, owner = order.run_id, workflow_id = order.info.workflow_id }
  if not try(turn) then wait_for(turn) end
  turn.renewed = timer.now()
  return turn
end

--- Says that the run is alive, when that was not said for a while.
---@param turn table?
function lease.renew(turn)
  if not turn or timer.now() - turn.renewed < RENEW_MS then return end
  turn.connection:query("UPDATE signalroom.running SET beat_at = clock_timestamp() WHERE name = $1 AND run_id = $2", turn.name, turn.owner)
  turn.renewed = timer.now()
end

--- Gives the source up.
---@param turn table?
function lease.give(turn)
  if not turn then return end
  turn.connection:query("DELETE FROM signalroom.running WHERE name = $1 AND run_id = $2", turn.name, turn.owner)
end

return lease

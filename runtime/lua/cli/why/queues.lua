-- Task queues: who polls them, and what it means when nobody does.

local client = require "client"
local nearest = require "nearest"
local output = require "cli.output"
local rpc = require "rpc"
local words = require "cli.why.words"

local POLL_SECONDS = 90 -- a poll lasts a minute; a worker that did not ask again since is gone
local RECENT = 100      -- runs whose queues are known
local LATE_SECONDS = 30 -- a task that a living worker has not taken by then

local queues = {}

local function describe(facts, queue, kind)
  local reply = rpc.call("DescribeTaskQueue", { task_queue = { name = queue }, task_queue_type = "TASK_QUEUE_TYPE_" .. kind,
    report_stats = true })
  local found = { alive = 0, stats = reply.stats or {} }
  for _, poller in ipairs(reply.pollers or {}) do
    local at = poller.last_access_time or 0
    if facts.now - at < POLL_SECONDS * 1000 then found.alive = found.alive + 1 end
    if not found.last or at > found.last.last_access_time then found.last = poller end
  end
  return found
end

--- Who polls a queue now, who did last, and what waits in it.
---@param facts table
---@param queue string
---@param kind "WORKFLOW"|"ACTIVITY"
---@return { alive: integer, last: table?, stats: table }
function queues.look(facts, queue, kind)
  local key = queue .. " " .. kind
  facts.queues[key] = facts.queues[key] or describe(facts, queue, kind)
  return facts.queues[key]
end

-- Queues that might have been meant: the usual one, and those of recent runs.
local function known(facts, queue)
  if facts.queues.known then return facts.queues.known end
  local usual = client.queue()
  local list, seen = { usual }, { [queue] = true, [usual] = true }
  local ok, recent = pcall(client.list, "", RECENT)
  for _, about in ipairs(ok and recent or {}) do
    local name = about.task_queue or ""
    if name ~= "" and not seen[name] then list[#list + 1], seen[name] = name, true end
  end
  facts.queues.known = list
  return list
end

-- The queue with workers that the run was meant for: one with a similar name, else the usual one.
local function meant(facts, queue, kind)
  local names = known(facts, queue)
  local close = nearest.word(queue, names)
  for _, name in ipairs { close or names[1], names[1] } do
    if name ~= queue and queues.look(facts, name, kind).alive > 0 then return name, name == close end
  end
end

local function no_worker(facts, queue, kind, last)
  local seen = last and ("last seen %s, %s"):format(output.time(last.last_access_time), last.identity or "?") or "none was seen lately"
  return words.problem(("No worker is polling %s for %s tasks (%s)."):format(queue, kind:lower(), seen), nil,
    ("start one: signalroom worker --queue %s"):format(queue)
    .. (facts.id and ("; or, if the queue is misspelt, signalroom terminate %s and start it on the right one"):format(facts.id) or ""))
end

local function wrong_queue(facts, queue, name, similar)
  return words.problem(("This run waits on the queue %s, which nobody polls; %s %s%s."):format(queue, "workers poll", name,
    similar and ", a misspelling" or ""), nil,
    ("correct the queue where the run is started (trigger, schedules.lua), signalroom terminate %s and start it again; or %s %s"):format(
      facts.id, "signalroom worker --queue", queue))
end

--- nil when somebody polls.
---@return Cause?
function queues.unpolled(facts, queue, kind)
  local found = queues.look(facts, queue, kind)
  if found.alive > 0 then return nil end
  local name, similar = meant(facts, queue, kind)
  return name and wrong_queue(facts, queue, name, similar) or no_worker(facts, queue, kind, found.last)
end

local function backlog(found)
  local waiting = found.stats.approximate_backlog_count or 0
  return waiting > 1 and ("%d tasks wait there, the oldest for %s"):format(waiting,
    words.span(found.stats.approximate_backlog_age or 0)) or nil
end

--- What waits for a worker though somebody polls: a worker that is full, or was killed a moment ago.
---@param what string   "The next workflow task"
---@param since number? ms
---@return Cause
function queues.waiting(facts, queue, kind, what, since)
  local found, waited = queues.look(facts, queue, kind), facts.now - (since or facts.now)
  if waited < LATE_SECONDS * 1000 then
    return words.fine(("%s waits for a worker since %s."):format(what, words.span(waited)), { backlog(found) })
  end
  return words.problem(("%s waits for %s although %s polled %s %s ago: that worker was killed, or has no free slot."):format(what,
    words.span(waited), found.last.identity or "a worker", queue, words.span(facts.now - found.last.last_access_time)),
    { backlog(found) }, "look at that worker; start another one: signalroom worker --queue " .. queue)
end

return queues

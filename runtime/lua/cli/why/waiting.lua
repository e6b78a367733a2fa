-- Runs that wait on purpose: for a child workflow, a timer, a signal.

local client = require "client"
local json = require "json"
local output = require "cli.output"
local queues = require "cli.why.queues"
local words = require "cli.why.words"

local function child(facts)
  local first = (facts.described.pending_children or {})[1]
  return first and words.fine(("Waits for the child workflow %s."):format(first.workflow_id), nil, "signalroom why " .. first.workflow_id)
end

-- Asks the run's worker, when one is there; what it cannot say is nil.
local function ask(facts, name)
  if not facts.deep or queues.look(facts, facts.queue, "WORKFLOW").alive == 0 then return nil end
  local ok, answer = pcall(client.query, facts.id, name, { n = 0 }, facts.run_id, { once = 1 })
  if not ok then facts.deep = false end -- one wait is enough
  return ok and answer or nil
end

-- The script's line where the run waits, as evidence; empty when nobody can say.
local function place(facts)
  local stack = ask(facts, "__stack_trace")
  local line = type(stack) == "string" and stack:match "%S+%.lua:%d+"
  return line and { "it stands at " .. line } or {}
end

local function signals(facts)
  local metadata, names = ask(facts, "__temporal_workflow_metadata"), {}
  local definition = type(metadata) == "table" and metadata.definition or {}
  for _, signal in ipairs(definition.signalDefinitions or {}) do
    if signal.name and signal.name ~= json.null then names[#names + 1] = signal.name end
  end
  return names
end

-- When the next open timer fires, ms; nil without one.
local function next_timer(facts)
  local over, next_at = {}, nil
  for _, event in ipairs(facts.events) do
    local ended = event.timer_fired_event_attributes or event.timer_canceled_event_attributes
    local started = event.timer_started_event_attributes
    if ended then over[ended.timer_id] = true end
    if started and not over[started.timer_id] then
      local at = event.event_time + (started.start_to_fire_timeout or 0)
      next_at = math.min(next_at or at, at)
    end
  end
  return next_at
end

local function timer(facts)
  local at = next_timer(facts)
  if not at then return nil end
  return words.fine(("Waits for a timer that fires in %s (%s), or for a signal before it."):format(words.span(at - facts.now),
    output.time(at)), place(facts))
end

local function signal(facts)
  local evidence, names = place(facts), signals(facts)
  if #names > 0 then evidence[#evidence + 1] = "it listens to " .. table.concat(names, ", ") end
  return words.fine("Waits for a signal: no activity, child workflow or timer is open.", evidence,
    ("signalroom signal %s %s"):format(facts.id, names[1] or "NAME"))
end

return { child, timer, signal }

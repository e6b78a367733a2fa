-- What must happen so that the server has the schedules of the script: create, update, delete, or nothing.

local server = require "schedule.server"

local plan = {}

local function step_of(definition)
  local found = server.describe(definition.id)
  if not found then return { verb = "create", id = definition.id, definition = definition } end
  if not server.ours(found.memo) then
    return { verb = "refuse", id = definition.id, definition = definition, found = found }
  end
  local differences = server.differences(found, definition)
  return { verb = #differences > 0 and "update" or "keep", id = definition.id, definition = definition, found = found,
    differences = differences }
end

--- The steps, in the order of the script; then what is ours on the server and no longer in the script.
---@param definitions table[]
---@return table[] steps  { verb = "create"|"update"|"delete"|"keep"|"refuse", id, definition, found, differences }
function plan.make(definitions)
  local steps, wanted = {}, {}
  for i, definition in ipairs(definitions) do
    wanted[definition.id] = true
    steps[i] = step_of(definition)
  end
  for _, entry in ipairs(server.list()) do
    local id = entry.schedule_id
    if not wanted[id] and server.ours(entry.memo) and server.describe(id) then
      steps[#steps + 1] = { verb = "delete", id = id }
    end
  end
  return steps
end

local CARRY_OUT = {
  create = function(step) server.create(step.definition) end,
  update = function(step) server.update(step.found, step.definition) end,
  delete = function(step) server.delete(step.id) end,
}

--- Carries out the steps that change something.
---@param steps table[]
---@return integer changes
function plan.apply(steps)
  local changes = 0
  for _, step in ipairs(steps) do
    local carry_out = CARRY_OUT[step.verb]
    if carry_out then
      carry_out(step)
      changes = changes + 1
    end
  end
  return changes
end

return plan

-- Several sources, one after the other so that the database is not overwhelmed. One that fails does not keep the next from
-- running; at the end one message names all that failed. The result says for each source what came of it.

local alert = require "workflows.alert"
local pipeline = require "workflows.pipeline"

workflow "ScheduledSyncWorkflow" {
  run = function(input)
    if type(input) ~= "table" or type(input.sources) ~= "table" then
      error(ValueError("ScheduledSyncWorkflow takes { sources = a list of names, client = a name or nothing }"))
    end
    local results, failures, classes, open = json.object {}, {}, {}, nil
    local subject = table.concat(input.sources, ", ")
    for _, name in ipairs(input.sources) do
      local result, err, troubles = pipeline.run { source_name = name, client = input.client }
      open = troubles or open
      if err then
        workflow.log_warning("Source %s failed: %s", name, pipeline.reason(err))
        failures[#failures + 1] = ("'%s'"):format(name)
        classes[#classes + 1] = ("%s %s"):format(name, alert.class(err))
      end
      results[name] = result or pipeline.failed(name, err)
    end
    if #failures == 0 then
      alert.recovered(subject, open)
    elseif input.notify_on_failure ~= false then
      alert.failed(subject, table.concat(classes, ", "), "Scheduled sync completed with failures: [%s]", table.concat(failures, ", "))
    end
    return results
  end,
}

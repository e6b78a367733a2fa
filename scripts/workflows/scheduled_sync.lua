-- Several sources, one after the other so that the database is not overwhelmed. One that fails does not keep the next from
-- running; at the end one message names all that failed. The result says for each source what came of it.

local alert = require "workflows.alert"
local pipeline = require "workflows.pipeline"

workflow "ScheduledSyncWorkflow" {
  run = function(input)
    if type(input) ~= "table" or type(input.sources) ~= "table" then
      error(ValueError("ScheduledSyncWorkflow takes { sources = a list of names }"))
    end
    local results, failures = json.object {}, {}
    for _, name in ipairs(input.sources) do
      local result, err = pipeline.run { source_name = name }
      if err then
        workflow.log_warning("Source %s failed: %s", name, pipeline.reason(err))
        failures[#failures + 1] = ("'%s'"):format(name)
      end
      results[name] = result or pipeline.failed(name, err)
    end
    if #failures > 0 and input.notify_on_failure ~= false then
      alert("Scheduled sync completed with failures: [%s]", table.concat(failures, ", "))
    end
    return results
  end,
}

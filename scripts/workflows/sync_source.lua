-- One source into Postgres. A failed sync is a Failed workflow, and Slack is told unless notify_on_failure is false; with
-- on_failure = "complete" it is a result whose success is false, as the old system had it.

local alert = require "workflows.alert"
local pipeline = require "workflows.pipeline"

local function failed(input, err)
  local reason = pipeline.reason(err)
  workflow.log_warning("Pipeline failed: %s\nError: %s", input.source_name, reason)
  if input.notify_on_failure ~= false then
    alert.failed(input.source_name, alert.class(err), "Pipeline failed: %s\nError: %s", input.source_name, reason)
  end
  if input.on_failure ~= "complete" then error(err, 0) end
  return pipeline.failed(input.source_name, err)
end

local function loaded(result)
  local rows = 0
  for _, count in pairs(result.row_counts) do rows = rows + count end
  return rows
end

workflow "SyncSourceWorkflow" {
  run = function(input)
    workflow.log("Starting sync for source: %s", input.source_name)
    local result, err, troubles = pipeline.run(input)
    if err then return failed(input, err) end
    alert.recovered(input.source_name, troubles)
    if input.notify_on_success == true then
      alert.news(input.source_name, "Pipeline completed: %s\nLoaded %d rows", input.source_name, loaded(result))
    end
    return result
  end,
}

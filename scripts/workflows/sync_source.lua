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

-- "350 rows", and on the next line what that was: 5 new, 1 changed, 344 unchanged, 0 deleted; 1 call, 120 kB, 0.8 s
local function loaded(result)
  local sum = { rows = 0, new = 0, changed = 0, same = 0, deleted = 0 }
  for _, counts in pairs(result.counts) do
    for key, count in pairs(counts) do sum[key] = sum[key] + count end
  end
  return ("%d rows\n%d new, %d changed, %d unchanged, %d deleted; %d %s, %.1f kB, %.1f s"):format(sum.rows, sum.new, sum.changed, sum.same,
    sum.deleted, result.requests, result.requests == 1 and "call" or "calls", result.bytes / 1000, result.seconds)
end

workflow "SyncSourceWorkflow" {
  run = function(input)
    workflow.log("Starting sync for source: %s", input.source_name)
    local result, err, troubles = pipeline.run(input)
    if err then return failed(input, err) end
    alert.recovered(input.source_name, troubles)
    if input.notify_on_success == true then
      alert.news(input.source_name, "Pipeline completed: %s\nLoaded %s", input.source_name, loaded(result))
    end
    return result
  end,
}

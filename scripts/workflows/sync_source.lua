-- One source into Postgres. A failed sync is a Failed workflow; with on_failure = "complete" it is a result
-- whose success is false, as the old system had it.

local RETRY = { initial = "1s", factor = 2.0, max = "5m", attempts = 5, never = { "ValueError", "KeyError" } }

local function failed(input, err)
  local cause = err.cause or err
  workflow.log_warning("Pipeline failed: %s\nError: %s", input.source_name, cause.message)
  if input.on_failure ~= "complete" then error(err, 0) end
  return { pipeline_name = input.source_name, load_id = "", row_counts = json.object {}, success = false, error_message = cause.message }
end

workflow "SyncSourceWorkflow" {
  run = function(input)
    workflow.log("Starting sync for source: %s", input.source_name)
    local ok, result = pcall(workflow.call, "run_pipeline_activity",
      { source_name = input.source_name, source_kwargs = input.source_kwargs, resources = input.resources },
      { start_to_close = "30m", heartbeat = "20s", retry = RETRY })
    if not ok then return failed(input, result) end
    return result
  end,
}

-- A sync whose worker is missed after two seconds instead of twenty.

workflow "ImpatientSync" {
  run = function(input)
    return workflow.call("run_pipeline_activity", input,
      { start_to_close = "2m", heartbeat = "2s", retry = { initial = "100ms", attempts = 5 } })
  end,
}

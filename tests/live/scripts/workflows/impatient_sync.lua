-- A sync whose worker is missed after a few seconds instead of twenty.

workflow "ImpatientSync" {
  run = function(input)
    return workflow.call("run_pipeline_activity", input,
      { start_to_close = "10m", heartbeat = input.heartbeat or "4s",
        retry = { initial = "100ms", factor = 1, attempts = input.attempts or 5 } })
  end,
}

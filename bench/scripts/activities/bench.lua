activity "noop" {
  run = function(i) return i end,
}

activity "run_pipeline_activity" {
  run = function(input) return sync.run(input) end,
}

-- The activity behind every sync: runs one source and says honestly what came of it.

activity "run_pipeline_activity" {
  run = function(input)
    return sync.run(input)
  end,
}

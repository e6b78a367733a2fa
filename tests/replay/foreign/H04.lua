-- An activity that fails five times fails its workflow.
workflow "Workflow" {
  run = function() workflow.call("AlwaysFailActivity", nil, { retry = { attempts = 5 } }) end,
}

-- Continues as new where history completed.
workflow "ContinueAsNewWorkflow" {
  run = function() workflow.continue_as_new(true) end,
}

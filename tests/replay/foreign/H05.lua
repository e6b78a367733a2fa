-- The same, recorded by another SDK.
workflow "SimpleWorkflow" {
  run = function() workflow.call("AlwaysFail", nil, { retry = { attempts = 5 } }) end,
}

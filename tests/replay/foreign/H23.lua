-- Cancelled in a sleep: the timer is stopped, then a shielded activity cleans up.
workflow "CancelOrderSelectWorkflow" {
  run = function()
    pcall(workflow.sleep, "5m")
    workflow.shield(function() workflow.call("helloworldActivity", "world") end)
  end,
}

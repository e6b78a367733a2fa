-- The cancellation and the end of the timer come in one task, after one task failed and one was lost.
workflow "TimerWf" {
  run = function()
    pcall(workflow.sleep, 600)
    workflow.shield(function() workflow.sleep(600) end)
  end,
}

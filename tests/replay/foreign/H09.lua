-- A signal begins an activity and stops a timer in the same task.
workflow "WorkflowWithLocalActivityStartWhenTimerCancel" {
  run = function()
    local timer = workflow.timer("3s")
    workflow.signal("signal"):receive()
    local echo = workflow.start("Echo", nil, { args = { 0, 0 } })
    timer:cancel()
    echo:wait()
    return true
  end,
}

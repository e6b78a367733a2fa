-- The first of two timers ends the wait; the second is left running.
workflow "AwaitWithTimeoutNoTimerCancelWorkflow" {
  run = function()
    local short, long = workflow.timer(0.1), workflow.timer("10s")
    workflow.await(function() return short:done() or long:done() end)
    return short:done()
  end,
}

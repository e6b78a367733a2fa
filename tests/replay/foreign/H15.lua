-- Signalled with its start; both activities end while a task is scheduled; cancelled, it completes.
workflow "Workflow" {
  run = function()
    workflow.signal("resume"):receive()
    workflow.wait_all { workflow.start("SleepActivity"), workflow.start("SleepActivity") }
    pcall(workflow.await, function() return false end)
  end,
}

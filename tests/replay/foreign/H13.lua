-- Two signals and a result come in one task: the handlers run before main goes on.
workflow "ActivityAndSignalsWhileWorkflowDown" {
  run = function(task_queue)
    local trace, counter = { "act-start" }, 0
    workflow.on_signal("dosig", function(name)
      counter = counter + 1
      trace[#trace + 1] = "sig-" .. name
    end)
    workflow.call("say_hello", "Enchi", { task_queue = task_queue })
    trace[#trace + 1] = "counter-" .. counter
    trace[#trace + 1] = "act-done"
    return trace
  end,
}

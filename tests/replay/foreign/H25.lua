-- A scope is cancelled by a signal, and its activity has the last word.
workflow "cancelFakeProgress" {
  run = function()
    workflow.scope(function(scope)
      local progress = workflow.start("fakeProgress", nil, { cancel = "wait" })
      workflow.signal("activityStarted"):receive()
      scope:cancel()
      pcall(progress.wait, progress)
    end)
  end,
}

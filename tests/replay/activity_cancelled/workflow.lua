-- The three ways an activity answers a cancel.
--: after ActivityTaskScheduled signal stop

workflow "Cancels" {
  run = function()
    local modes, seen = { "try", "wait", "abandon" }, {}
    local running = {}
    for i, mode in ipairs(modes) do
      running[i] = workflow.start("patient", nil, { cancel = mode, heartbeat = "5s", start_to_close = "30s" })
    end
    workflow.signal("stop"):receive()
    workflow.sleep("300ms")
    for i = 1, #modes do running[i]:cancel() end
    for i = 1, #modes do
      local ok, err = pcall(running[i].wait, running[i])
      seen[i] = { mode = modes[i], ok = ok, type = err.type, cause = err.cause.type }
    end
    return seen
  end,
}

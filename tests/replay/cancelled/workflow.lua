-- Cancelled while it waits: cleans up behind a shield and ends as cancelled.
--: after TimerStarted cancel

workflow "Cancelled" {
  run = function()
    local ok, err = pcall(workflow.sleep, "1h")
    if ok then return "woke" end
    workflow.shield(function() workflow.call("echo", "tidy", { start_to_close = "10s" }) end)
    error(err)
  end,
}

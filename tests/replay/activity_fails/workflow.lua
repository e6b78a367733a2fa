-- Retries until it works, and an error that is not retried fails the workflow with its cause.

workflow "Fails" {
  run = function()
    local attempts = workflow.call("flaky", 2, { start_to_close = "10s", retry = { initial = "10ms" } })
    local ok, err = pcall(workflow.call, "refuse", "first", { start_to_close = "10s" })
    workflow.call("echo", { attempts, ok, err.cause.type, err.cause.message })
    workflow.call("refuse", "no such day", { start_to_close = "10s" })
  end,
}

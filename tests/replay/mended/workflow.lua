-- The code was wrong at first: the task failed, was tried again, and went on when the code was mended.
--: broken until WorkflowTaskFailed

local broken = false

workflow "Mended" {
  run = function()
    local chance = workflow.random()
    workflow.call("echo", workflow.uuid(), { start_to_close = "10s" })
    if broken then error("not thought of") end
    return { chance = chance, at = os.date("%Y", workflow.now()) }
  end,
}

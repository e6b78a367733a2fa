-- The demo edits this file while a run of it sleeps.
workflow "Greeting" {
  run = function(nap)
    local text = "Good morning"
    workflow.on_query("text", function() return text end)
    workflow.sleep(nap)
    return text
  end,
}

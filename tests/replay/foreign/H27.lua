-- An activity within a timeout that is not needed.
workflow "langFlagsReplayCorrectly" {
  run = function() workflow.timeout("10s", function() workflow.call("noopActivity") end) end,
}

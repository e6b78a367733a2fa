-- Calls another activity than history has.
workflow "SayHelloWorkflow" {
  run = function(input) return workflow.call("say_goodbye", input.name) end,
}

-- Two activities, one after the other.
workflow "Workflow" {
  run = function()
    local first = workflow.call("CommaJoin", { "foo", "bar" })
    return workflow.call("CommaJoin", { first, "baz" })
  end,
}

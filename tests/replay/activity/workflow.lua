-- One activity after another: input, several arguments, a bytes value, no value.
--: input "Ann"

workflow "Activities" {
  run = function(name)
    local first = workflow.call("echo", { name = name, tags = { "a", "b" }, big = 9007199254740991 }, { start_to_close = "10s" })
    local joined = workflow.call("join", nil, { args = { "x", 2, true }, start_to_close = "10s" })
    local raw = workflow.call("echo", workflow.bytes("\0\255"))
    local nothing = workflow.call("echo")
    return { first = first, joined = joined, raw = #raw.data, nothing = nothing == nil }
  end,
}

-- Continues as new from inside a pcall.
--: input 1

workflow "Continued" {
  run = function(n)
    if n == 3 then return n end
    workflow.sleep("10ms")
    pcall(function() workflow.continue_as_new(n + 1) end)
    return "pcall swallowed it"
  end,
}

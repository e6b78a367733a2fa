-- Many at once: futures, spawned functions, the first of several, a limit on how long.

workflow "FanOut" {
  run = function()
    local futures, total = {}, 0
    for i = 1, 12 do futures[i] = workflow.start("echo", i, { start_to_close = "10s" }) end
    for _, n in ipairs(workflow.wait_all(futures)) do total = total + n end
    local spawned = {}
    for i = 1, 3 do
      spawned[i] = workflow.spawn(function(n)
        workflow.sleep(n * 0.05)
        return workflow.call("echo", n * 10, { start_to_close = "10s" })
      end, i)
    end
    local first = workflow.wait_any(spawned)
    local rest = workflow.wait_all(spawned)
    local late = pcall(workflow.timeout, "100ms", function() workflow.sleep("1h") end)
    local timely = workflow.timeout("1h", function() return workflow.call("echo", "soon") end)
    return { total = total, first = first, rest = { rest[1], rest[2], rest[3] }, late = late, timely = timely }
  end,
}

-- The same work as the peers: n activities one after another, n at once, a run that waits.

local ONE_MINUTE = { start_to_close = "1m" }

workflow "Chain" {
  run = function(n)
    local sum = 0
    for i = 0, n - 1 do sum = sum + workflow.call("noop", i, ONE_MINUTE) end
    return sum
  end,
}

workflow "Fan" {
  run = function(n)
    local parts, sum = {}, 0
    for i = 1, n do parts[i] = workflow.start("noop", i - 1, ONE_MINUTE) end
    for i = 1, n do sum = sum + parts[i]:wait() end
    return sum
  end,
}

workflow "Park" {
  run = function()
    return workflow.signal("go"):receive()
  end,
}

workflow "Load" {
  run = function(input)
    return workflow.call("run_pipeline_activity", input, { start_to_close = "10m", heartbeat = "30s" })
  end,
}

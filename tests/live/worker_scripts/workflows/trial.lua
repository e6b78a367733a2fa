-- Workflows for the worker's live tests.

workflow "Greet" {
  run = function(name)
    return workflow.call("greet", name, { start_to_close = "30s" })
  end,
}

-- Counts what signals bring until it is told to close. `pauses` keep it busy meanwhile.
local total, closed = 0, false

workflow "Till" {
  run = function(input)
    for _ = 1, input.pauses do workflow.call("pause", 0.1, { start_to_close = "3s" }) end
    workflow.await(function() return closed end)
    return total
  end,
  signals = {
    add = function(amount) total = total + amount end,
    close = function() closed = true end,
  },
  queries = { total = function() return total end },
}

-- Timers, activities and fibers side by side; the result depends on all of them.
workflow "Mixed" {
  run = function(seed)
    local sum = 0
    local fibers = {}
    for i = 1, 3 do
      fibers[i] = workflow.spawn(function()
        for round = 1, 2 do
          workflow.sleep(("%dms"):format(20 * i))
          local waited = workflow.call("pause", 0, { start_to_close = "30s" })
          sum = sum + i * round + waited
        end
      end)
    end
    for i = 1, 3 do fibers[i]:wait() end
    return seed + sum
  end,
}

-- Many activities at once; adds up what they return.
workflow "FanOut" {
  run = function(input)
    local options = {
      start_to_close = "10m", heartbeat = input.heartbeat, retry = { initial = "100ms", factor = 1, attempts = 5 },
    }
    local futures = {}
    for i = 1, input.count do futures[i] = workflow.start(input.activity, input.argument, options) end
    local sum = 0
    for i = 1, input.count do sum = sum + futures[i]:wait() end
    return sum
  end,
}

workflow "Climb" {
  run = function(top)
    return workflow.call("climb", top, { start_to_close = "1m", heartbeat = "30s", retry = { initial = "100ms" } })
  end,
}

workflow "Patient" {
  run = function()
    return workflow.call("wait_for_cancel", nil, { start_to_close = "1h", heartbeat = "2s", cancel = "wait" })
  end,
}

workflow "Large" {
  run = function(size)
    local ok, problem = pcall(workflow.call, "large", size, { start_to_close = "1m", retry = { attempts = 1 } })
    return ok and "fine" or (problem.cause or problem).type
  end,
}

-- More in one task's commands than a server takes in one request, each of them within its limits.
workflow "Bulk" {
  run = function(count)
    for _ = 1, count do workflow.start("pause", ("x"):rep(1024 * 1024), { start_to_close = "30s" }) end
    workflow.sleep "1h"
  end,
}

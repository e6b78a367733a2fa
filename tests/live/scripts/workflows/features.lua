-- One workflow for each thing that a workflow can do, for tests.

local QUICK = { start_to_close = "30s", retry = { initial = "100ms", attempts = 3 } }

workflow "Greeting" {
  run = function(name)
    return workflow.call("greet", name, QUICK)
  end,
}

workflow "Approval" {
  run = function(order)
    local state, by = "waiting", nil
    workflow.on_query("state", function() return { order = order, state = state } end)
    workflow.on_signal("approve", function(who) by = who end)
    local in_time = workflow.await(function() return by ~= nil end, "1h")
    state = in_time and "approved" or "expired"
    return { order = order, state = state, by = by }
  end,
}

-- Timers, concurrent activities, scopes, random values, a signal: everything that makes commands.
workflow "Mixed" {
  run = function(n)
    local parts, total = {}, 0
    for i = 1, n do parts[i] = workflow.start("double", i, QUICK) end
    workflow.sleep "50ms"
    for i = 1, n do total = total + parts[i]:wait() end
    local order = {}
    for key in pairs { zeta = 1, alpha = 2, mid = 3, omega = 4, [1] = 5 } do order[#order + 1] = tostring(key) end
    workflow.spawn(function() workflow.call("double", 100, QUICK) end)
    local go = workflow.signal("go"):receive("10m")
    local last = workflow.call("double", total, QUICK)
    return { total = total, last = last, order = table.concat(order, " "), go = go, die = math.random(1000000), at = os.time() > 0 }
  end,
}

workflow "Cancellable" {
  run = function()
    local ok, err = pcall(workflow.sleep, "1h")
    if ok then return "slept" end
    workflow.shield(function() workflow.call("greet", "cleanup", QUICK) end)
    error(err, 0)
  end,
}

workflow "Countdown" {
  run = function(n, seen)
    seen = (seen or 0) + 1
    if n > 0 then workflow.continue_as_new(nil, { args = { n = 2, n - 1, seen } }) end
    return seen
  end,
}

workflow "Slow" {
  run = function(input)
    return workflow.call("wait_at", input, { start_to_close = "5m", heartbeat = "10s", retry = { initial = "100ms", attempts = 5 } })
  end,
}

workflow "Many" {
  run = function(input)
    local futures, sum = {}, 0
    for i = 1, input.n do
      futures[i] = workflow.start("wait_at", { url = input.url, i = i },
        { start_to_close = "5m", heartbeat = "60s", retry = { attempts = 3 } })
    end
    for i = 1, input.n do sum = sum + futures[i]:wait() end
    return sum
  end,
}

-- Handlers, a channel, conditions with and without an end.
--: after TimerStarted signal add 5
--: after TimerStarted signal add 7
--: after TimerStarted signal word "one"
--: after TimerStarted signal word "two"

workflow "Signals" {
  run = function()
    local sum, words = 0, {}
    workflow.on_signal("add", function(n) sum = sum + n end)
    local in_time = workflow.await(function() return sum == 12 end, "1h")
    local inbox = workflow.signal("word")
    words[1], words[2] = inbox:receive(), inbox:receive("1h")
    local none, received = inbox:receive("50ms")
    local never = workflow.await(function() return sum > 12 end, "50ms")
    return { sum = sum, in_time = in_time, words = words, none = none == nil, received = received, never = never }
  end,
}

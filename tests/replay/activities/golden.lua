-- What the golden workflows call.

activity "echo" { run = function(value) return value end }

activity "join" { run = function(a, b, c) return ("%s-%s-%s"):format(a, b, c) end }

activity "refuse" { run = function(why) error(ValueError(why)) end }

activity "flaky" {
  run = function(times)
    if activity.info().attempt <= times then error(VendorError("not now")) end
    return activity.info().attempt
  end,
}

activity "patient" {
  run = function()
    while true do
      activity.heartbeat("waiting")
      activity.sleep("100ms")
    end
  end,
}

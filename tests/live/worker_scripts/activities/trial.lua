-- Activities for the worker's live tests.

activity "greet" {
  run = function(name) return "Hello, " .. name .. "!" end,
}

activity "pause" {
  run = function(seconds)
    activity.sleep(seconds)
    return seconds
  end,
}

-- Asks a slow endpoint; waiting beats by itself.
activity "fetch" {
  run = function(url) return http.get { url = url, timeout = "10m" }:json().value end,
}

-- Fails once, after more beats than one interval lets through.
activity "climb" {
  run = function(top)
    local reached = activity.details()
    if reached then return reached end
    for step = 1, top do activity.heartbeat(step) end
    error(ApplicationError { type = "Fell", message = "from step " .. top })
  end,
}

activity "wait_for_cancel" {
  run = function()
    activity.heartbeat "waiting"
    activity.sleep "1h"
  end,
}

activity "large" {
  run = function(size) return ("x"):rep(size) end,
}

-- Small activities for tests.

activity "greet" {
  run = function(name) return "Hello, " .. name .. "!" end,
}

activity "double" {
  run = function(n) return n * 2 end,
}

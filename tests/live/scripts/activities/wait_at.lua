-- Waits for an answer of a slow endpoint; answers with its own number.

activity "wait_at" {
  run = function(input)
    http.get(input.url, { timeout = "90s" })
    return input.i
  end,
}

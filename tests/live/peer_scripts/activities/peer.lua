-- Activities that a workflow in another language calls.

activity "give" {
  run = function(...) return ... end,
}

activity "fail" {
  run = function()
    error(ApplicationError { type = "Outer", message = "caf\233", details = { code = 7 }, non_retryable = true, cause = KeyError "inner" })
  end,
}

-- The body of an answer that is no text: the error's type is what matters.
activity "refuse" {
  run = function() error(AuthError { message = "key rejected", details = "\255\254" }) end,
}

-- How often every activity is tried: after 1, 2, 4 and 8 s again. A wrong value or key does not get better by waiting.
return { initial = "1s", factor = 2.0, max = "5m", attempts = 5, never = { "ValueError", "KeyError" } }

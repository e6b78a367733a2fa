-- How sending is retried: a vendor may be down for hours. The outbox sees to it that trying again never sends twice.
return { initial = "1s", factor = 2.0, max = "1m", attempts = 0, never = { "ValueError", "KeyError" } }

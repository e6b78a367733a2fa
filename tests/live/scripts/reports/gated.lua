-- A report that must not be sent before its table was loaded.

report "gated" {
  params = { date = yesterday },
  needs = { ["everflow.daily_stats"] = "2h" },
  slack = "Everflow is there for {{ report_date }}",
}

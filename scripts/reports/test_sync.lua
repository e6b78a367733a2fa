-- Do the syncs arrive? The day's totals of both vendors, over all advertisers, nothing sensitive.

report "test_sync" {
  about = "Basic sync totals - no sensitive data",
  params = { date = yesterday, client = { kind = "client", default = "713" } },
  needs = { ["everflow.daily_stats"] = "26h", ["redtrack.daily_spend"] = "26h" },
  data = [[
    SELECT (SELECT sum(conversions)::bigint FROM everflow.daily_stats
             WHERE date::text = $date AND _client_id = $client) AS everflow_conversions,
           (SELECT sum(cost)::numeric FROM redtrack.daily_spend
             WHERE date::text = $date AND _client_id = $client) AS redtrack_spend]],
  check = function(d, p) return d.everflow_conversions ~= nil or d.redtrack_spend ~= nil, "no rows for " .. p.date end,
  slack = [[
🧪 *SignalRoom Test Report*
_Basic sync totals - no sensitive data_

---

*Sync Status for {{ report_date|date }}*

• Everflow CCW Conversions: *{% if everflow_conversions == none %}no data{% else %}{{ everflow_conversions|number }}{% endif %}*
• Redtrack CCW Spend: *{% if redtrack_spend == none %}no data{% else %}{{ redtrack_spend|currency }}{% endif %}*

---

_Debug: Generated at {{ generated_at }} | Worker: Fly.io_
]],
}

-- The day of one advertiser: conversions, spend and cost per conversion, inside and outside, and who brought them.

-- A day without a row has nothing but nulls here.
local TOTALS = [[
  SELECT sum(conversions)::bigint AS total_conversions, sum(cost) AS total_cost,
         coalesce(sum(cost) / nullif(sum(conversions), 0), 0) AS overall_cpa,
         coalesce(sum(conversions) FILTER (WHERE is_internal), 0)::bigint AS internal_conversions,
         coalesce(sum(cost) FILTER (WHERE is_internal), 0) AS internal_cost,
         coalesce(sum(cost) FILTER (WHERE is_internal) / nullif(sum(conversions) FILTER (WHERE is_internal), 0), 0) AS internal_cpa,
         coalesce(sum(conversions) FILTER (WHERE NOT is_internal), 0)::bigint AS external_conversions,
         coalesce(sum(cost) FILTER (WHERE NOT is_internal), 0) AS external_cost,
         coalesce(sum(cost) FILTER (WHERE NOT is_internal) / nullif(sum(conversions) FILTER (WHERE NOT is_internal), 0), 0) AS external_cpa
    FROM public.daily_performance
   WHERE date = $date AND advertiser_id = $advertiser_id AND _client_id = $client]]

local TOP = [[
  SELECT affiliate_label, conversions, cost, cpa, is_internal
    FROM public.daily_performance
   WHERE date = $date AND advertiser_id = $advertiser_id AND _client_id = $client AND conversions > 0
   ORDER BY conversions DESC, affiliate_label
   LIMIT 10]]

report "daily_ccw" {
  about = "Daily CCW performance summary with affiliate breakdown",
  params = { date = yesterday, advertiser_id = 1, client = { kind = "client", default = "713" } },
  needs = { ["everflow.daily_stats"] = "2h", ["redtrack.daily_spend"] = "2h" },
  data = function(q, p)
    local d = q:one(TOTALS, p)
    d.top = q:all(TOP, p)
    d.best = d.top[1] or { affiliate_label = "N/A", conversions = 0 }
    return d
  end,
  check = function(d, p) return d.total_conversions ~= nil, "no rows for " .. p.date end,
  slack = template "daily_ccw.slack.tpl",
  email = { subject = "CCW {{ report_date|date }}", body = template "daily_ccw.email.mjml" },
  sms = "CCW {{ report_date|date('%m/%d') }}: {{ total_conversions|number }} conv, {{ total_cost|currency }} spend, "
    .. "{{ overall_cpa|currency }} CPA. Top: {{ best.affiliate_label }} ({{ best.conversions }})",
}

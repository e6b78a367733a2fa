-- What the reports read: which affiliate stands behind a source of spend, and both vendors' days side by side. Views and
-- tables of these names that were made by hand are left as they are.
--
-- The rule is a function, so that it can be there before the first sync has made the vendors' tables; Postgres puts a
-- function like this into the query that calls it, so that its conditions reach the tables' indexes.
return {
  { "affiliate_mapping",
    [[CREATE TABLE IF NOT EXISTS public.affiliate_mapping (
        id                        serial PRIMARY KEY,
        redtrack_source_name      text,
        redtrack_source_alias     text,
        redtrack_source_id        text,
        everflow_affiliate_id     integer,
        everflow_affiliate_label  text,
        everflow_advertiser_id    integer,
        everflow_advertiser_label text,
        _client_id                text NOT NULL DEFAULT '713',
        created_at                timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at                timestamptz NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (_client_id, redtrack_source_id))]],
    "COMMENT ON TABLE public.affiliate_mapping IS 'which Everflow affiliate and advertiser a source of spend in Redtrack belongs to'" },
  { "daily_performance",
    "SET LOCAL check_function_bodies = off", -- the vendors' tables may not be there yet
    [[CREATE OR REPLACE FUNCTION signalroom.daily_performance()
      RETURNS TABLE (date text, advertiser_id bigint, advertiser_label text, affiliate_label text, conversions bigint,
        everflow_payout numeric, everflow_revenue numeric, redtrack_cost numeric, redtrack_clicks bigint, is_internal boolean,
        cost numeric, cpa numeric, _client_id text)
      LANGUAGE sql STABLE AS $rule$
        WITH partners AS (
          SELECT e.date::text AS date, e.advertiser_id::bigint AS advertiser_id, max(e.advertiser_label) AS advertiser_label,
                 trim(e.affiliate_label) AS affiliate_label, sum(e.conversions)::bigint AS conversions,
                 sum(e.payout)::numeric AS payout, sum(e.revenue)::numeric AS revenue, e._client_id
            FROM everflow.daily_stats e
           GROUP BY e.date::text, e.advertiser_id::bigint, trim(e.affiliate_label), e._client_id),
        spend AS (
          SELECT s.date::text AS date, m.everflow_advertiser_id::bigint AS advertiser_id,
                 trim(m.everflow_affiliate_label) AS affiliate_label, sum(s.cost)::numeric AS cost, sum(s.clicks)::bigint AS clicks,
                 s._client_id
            FROM redtrack.daily_spend s
            JOIN public.affiliate_mapping m ON m.redtrack_source_id = s.source_id AND coalesce(m._client_id, s._client_id) = s._client_id
           GROUP BY s.date::text, m.everflow_advertiser_id::bigint, trim(m.everflow_affiliate_label), s._client_id)
        SELECT p.date, p.advertiser_id, p.advertiser_label, p.affiliate_label, p.conversions, p.payout, p.revenue,
               coalesce(s.cost, 0), coalesce(s.clicks, 0), kind.is_internal, spent.cost,
               coalesce(round(spent.cost / nullif(p.conversions, 0), 2), 0), p._client_id
          FROM partners p
          LEFT JOIN spend s ON s.date = p.date AND s.advertiser_id = p.advertiser_id AND s.affiliate_label = p.affiliate_label
            AND s._client_id = p._client_id
         CROSS JOIN LATERAL (SELECT p.affiliate_label IN ('G2 - Meta', 'G2 - Google', 'SB - Meta', 'SB - Google') AS is_internal) kind
         CROSS JOIN LATERAL (SELECT CASE WHEN kind.is_internal THEN coalesce(s.cost, 0) ELSE p.payout END AS cost) spent
      $rule$]],
    [[DO $make$ BEGIN
        IF to_regclass('public.daily_performance') IS NULL THEN
          CREATE VIEW public.daily_performance AS SELECT * FROM signalroom.daily_performance();
          COMMENT ON VIEW public.daily_performance IS
            'a day of an affiliate: conversions by Everflow, cost by Redtrack where the traffic is our own, else the payout';
        END IF;
      END $make$]] },
}

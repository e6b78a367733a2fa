-- 21 columns, pages of 1,000 rows: the shape that dlt loads in the same run.

source "bench" {
  base_url = setting("BENCH_URL", "http://127.0.0.1:8089"),
  resource "conversions" {
    key = { "conversion_id" }, cursor = "updated_at",
    columns = {
      conversion_id = "text! at conversion_id", transaction_id = "text at transaction_id",
      created_at = "timestamptz at created_at", updated_at = "timestamptz at updated_at",
      affiliate_id = "int at affiliate_id", affiliate_name = "text at affiliate_name",
      advertiser_id = "int at advertiser_id", advertiser_name = "text at advertiser_name",
      offer_id = "int at offer_id", offer_name = "text at offer_name", source_id = "text at source_id",
      sub1 = "text at sub1", sub2 = "text at sub2", country = "text at country", device = "text at device", os = "text at os",
      clicks = "int at clicks", revenue = "money at revenue", payout = "money at payout", is_fraud = "bool at is_fraud",
    },
    fetch = function(run)
      local page = 1
      repeat
        local reply = run:get("/v1/conversions", { query = { page = page, updated_since = "2025-01-01T00:00:00Z" } })
        run:rows(reply, "data")
        page = run:value(reply, "paging.next_page")
      until not page
    end,
  },
}

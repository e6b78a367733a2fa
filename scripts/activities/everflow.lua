-- Everflow: clicks, conversions and money by day, affiliate and advertiser, in the account's zone.

local NEW_YORK = 80 -- Everflow's timezone_id of America/New_York

source "everflow" {
  base_url = setting("EVERFLOW_BASE_URL", "https://api.eflow.team"),
  secrets = { "EVERFLOW_API_KEY" },
  headers = function(run) return { ["X-Eflow-API-Key"] = run:secret "EVERFLOW_API_KEY" } end,
  tz = "America/New_York", lookback = "3d", initial = "2025-12-20", clients = { "713", "cti" },
  kwargs = { "advertiser_id" },

  probe = function(run)
    run:get "/v1/meta/timezones"
    return "the key is taken"
  end,

  resource "daily_stats" {
    key = { "date", "affiliate_id", "advertiser_id" },
    window = "range", days = 7, window_column = "date",
    filters = { "advertiser_id" },   -- with one of these, rows outside it are not "vanished"
    stored = { date = "text" },      -- as the old system had it
    columns = {
      date = "date(epoch, America/New_York)! at columns[column_type=date].id",
      affiliate_id = "int! at columns[column_type=affiliate].id",
      affiliate_label = "text at columns[column_type=affiliate].label",
      advertiser_id = "int! at columns[column_type=advertiser].id",
      advertiser_label = "text at columns[column_type=advertiser].label",
      clicks = "int! at reporting.total_click",
      conversions = "int! at reporting.cv",
      revenue = "money! at reporting.revenue",
      payout = "money! at reporting.payout",
      profit = "money! at reporting.profit",
    },
    fetch = function(run, window)
      local filters = json.array {}
      if run.kwargs.advertiser_id then
        filters = json.array { { resource_type = "advertiser", filter_id_value = tostring(run.kwargs.advertiser_id) } }
      end
      local reply = run:post("/v1/networks/reporting/entity/table", {
        json = { from = window.from, to = window.to, timezone_id = NEW_YORK, currency_id = "USD",
          columns = json.array { { column = "affiliate" }, { column = "advertiser" }, { column = "date" } },
          query = { filters = filters } },
      })
      run:require(run:value(reply, "incomplete_results") ~= true, "VendorError",
        ("Everflow cut %s..%s at 10,000 rows: run it with a smaller window_days"):format(window.from, window.to))
      run:rows(reply, "table")
    end,
  },
}

-- When what runs. `signalroom schedules plan` shows what a change here would do, `signalroom schedules apply` does it.
-- Times are UTC unless tz names a zone: 12-23 UTC is 7 am to 6 pm in New York in winter and an hour later in summer,
-- whereas tz = "America/New_York" with 7-18 stays with the clock on the wall.

schedule "hourly-sync-everflow-redtrack" {
  cron = "0 12-23 * * *", overlap = "skip", note = "Hourly Everflow + Redtrack sync",
  start = { "ScheduledSyncWorkflow", { sources = { "everflow", "redtrack" }, notify_on_failure = true }, id = "scheduled-sync-hourly" },
}

schedule "daily-sync-s3" {
  cron = "0 11 * * *", overlap = "skip", note = "Daily S3 exports sync",
  start = { "SyncSourceWorkflow", { source_name = "s3_exports", notify_on_failure = true, notify_on_success = false },
    id = "scheduled-sync-s3-daily" },
}

-- Paused until somebody resumes it where reports shall go out: `signalroom schedules resume daily-report-ccw`.
schedule "daily-report-ccw" {
  cron = "30 7 * * *", tz = "America/New_York", overlap = "skip", paused = true, note = "Yesterday's CCW report (7:30 am New York)",
  start = { "RunReportWorkflow", { report_name = "daily_ccw", channel = "slack", send = true }, id = "scheduled-report-daily_ccw-daily" },
}

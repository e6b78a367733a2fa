-- Alerts: what is wrong just now, about what nobody wants to be told, what reached nobody.
return {
  { "alerts",
    [[CREATE TABLE signalroom.alerts (
        incident     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        subject      text NOT NULL,                    -- what fails: a source, a report
        class        text NOT NULL,                    -- of the error
        text         text NOT NULL,                    -- of the latest failure
        failures     integer NOT NULL DEFAULT 1,
        opened_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_task    text NOT NULL,                    -- the activity that counted last: a retry counts once
        channel      text,                             -- where the message is
        message_id   text,
        posts        integer NOT NULL DEFAULT 0,
        posted_at    timestamptz,
        posting_task text,                             -- who is about to post
        posting_at   timestamptz,                      -- since when a post may be on its way
        posting_to   timestamptz,                      -- until when nobody else begins
        recovered_at timestamptz)]],
    "CREATE UNIQUE INDEX alerts_open ON signalroom.alerts (subject, class) WHERE recovered_at IS NULL",
    "COMMENT ON TABLE signalroom.alerts IS 'one row from the first failure to the recovery'" },
  { "mutes",
    [[CREATE TABLE signalroom.mutes (
        subject  text PRIMARY KEY,                     -- * is everything
        until    timestamptz NOT NULL,
        muted_at timestamptz NOT NULL DEFAULT clock_timestamp())]],
    "COMMENT ON TABLE signalroom.mutes IS 'about what nobody wants to be told until when'" },
  { "undelivered",
    [[CREATE TABLE signalroom.undelivered (
        task        text PRIMARY KEY,
        at          timestamptz NOT NULL DEFAULT clock_timestamp(),
        subject     text NOT NULL,
        text        text NOT NULL,
        reason      text NOT NULL,
        workflow_id text,
        run_id      text)]],
    "COMMENT ON TABLE signalroom.undelivered IS 'alerts that no channel took'" },
}

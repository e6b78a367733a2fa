-- The outbox: what was sent of reports, and what may have been.
return {
  { "outbox",
    [[CREATE TABLE signalroom.outbox (
        key         text PRIMARY KEY,                  -- hash of the next five; with again = true of the run too
        report      text NOT NULL,
        date        date,
        params      jsonb NOT NULL,
        channel     text NOT NULL,
        recipient   text NOT NULL,
        state       text NOT NULL CHECK (state IN ('claimed', 'refused', 'unknown', 'sent')),
        letter      jsonb NOT NULL,                    -- what is sent, byte for byte
        claimant    text NOT NULL,                     -- workflow, run and activity
        attempt     integer NOT NULL,
        claimed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),  -- the latest attempt
        since       timestamptz NOT NULL DEFAULT clock_timestamp(),  -- the first attempt that may have sent it
        message_id  text,                              -- the vendor's
        sent_at     timestamptz,
        problem     text)]],
    "COMMENT ON TABLE signalroom.outbox IS 'one row a report, day, parameters, channel and recipient; committed before anything is sent'" },
}

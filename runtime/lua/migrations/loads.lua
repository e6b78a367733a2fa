-- Loads: one record a loaded window, one cursor a stream.
return {
  { "loads",
    [[CREATE TABLE IF NOT EXISTS signalroom.loads (
        load_id      text PRIMARY KEY,                 -- stream, window and run: the same on every attempt
        load_no      bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        source       text NOT NULL,
        resource     text NOT NULL,
        client_id    text NOT NULL,
        window_from  date,
        window_to    date,
        backfill     boolean NOT NULL DEFAULT false,
        workflow_id  text,
        run_id       text,
        attempt      integer,
        requests     integer NOT NULL,
        bytes        bigint NOT NULL,
        rows_fetched bigint NOT NULL,
        rows_new     bigint NOT NULL,
        rows_changed bigint NOT NULL,
        rows_same    bigint NOT NULL,
        rows_deleted bigint NOT NULL,
        ddl          text[] NOT NULL DEFAULT '{}',
        fetched_at   timestamptz NOT NULL,
        loaded_at    timestamptz NOT NULL DEFAULT clock_timestamp())]],
    "COMMENT ON TABLE signalroom.loads IS 'one row a loaded window, also an empty one; written in the transaction of its rows'" },
  { "state",
    [[CREATE TABLE IF NOT EXISTS signalroom.state (
        stream     text PRIMARY KEY,
        cursor     text,
        load_id    text,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp())]],
    "COMMENT ON TABLE signalroom.state IS 'up to which day each stream is loaded; moves only with the rows'" },
  { "loads.cost",
    [[ALTER TABLE signalroom.loads
        ADD COLUMN dlt_load_id text,                    -- what its rows have as _dlt_load_id
        ADD COLUMN seconds     double precision         -- from the first request to the record]] },
  { "running",
    [[CREATE TABLE signalroom.running (
        name        text PRIMARY KEY,                   -- source and client
        run_id      text NOT NULL,
        workflow_id text,
        since       timestamptz NOT NULL DEFAULT clock_timestamp(),
        beat_at     timestamptz NOT NULL DEFAULT clock_timestamp())]],
    "COMMENT ON TABLE signalroom.running IS 'which run has a source just now; one that has not beaten for 3 minutes is gone'" },
}

-- SignalRoom's own tables: one record a load, one cursor a stream, one row a file. Made by `signalroom dev` and at worker start.

local pg = require "activity.pg"

local schema = {}

local STATEMENTS = {
  "CREATE SCHEMA IF NOT EXISTS signalroom",
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
  "COMMENT ON TABLE signalroom.loads IS 'one row a loaded window, also an empty one; written in the transaction of its rows'",
  [[CREATE TABLE IF NOT EXISTS signalroom.state (
      stream     text PRIMARY KEY,
      cursor     text,
      load_id    text,
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp())]],
  [[CREATE TABLE IF NOT EXISTS signalroom.files (
      source        text NOT NULL,
      resource      text NOT NULL,
      client_id     text NOT NULL,
      key           text NOT NULL,                    -- bucket and path
      etag          text NOT NULL,
      size          bigint,
      last_modified timestamptz,
      rows          bigint,
      status        text NOT NULL,                    -- done, refused
      problem       text,
      load_id       text,
      updated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (source, resource, client_id, key))]],
  "COMMENT ON TABLE signalroom.files IS 'which version of each file is loaded; a file is loaded again when its etag differs'",
  "COMMENT ON TABLE signalroom.state IS 'up to which day each stream is loaded; moves only with the rows'",
}

--- Brings a database to where this version needs it. Safe to run again and at once from many workers.
---@param url string?  nil: the configured database
function schema.migrate(url)
  local connection = pg.connect(url)
  connection:transaction(function(tx)
    tx:exec "SELECT pg_advisory_xact_lock(hashtextextended('signalroom.migrate', 0))"
    tx:exec "SET LOCAL client_min_messages = warning"
    for _, statement in ipairs(STATEMENTS) do tx:exec(statement) end
  end)
  connection:close()
end

return schema

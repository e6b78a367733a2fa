-- The vendor's fields as loads have seen them, and where they drifted.
return {
  { "drift",
    [[CREATE TABLE signalroom.schema_fields (
        source      text NOT NULL,
        resource    text NOT NULL,
        field       text NOT NULL,                      -- the path in the vendor's row
        column_name text,                               -- of the column that was added for it
        type        text,
        seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (source, resource, field))]],
    [[CREATE TABLE signalroom.schema_changes (
        change_no    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source       text NOT NULL,
        resource     text NOT NULL,
        client_id    text NOT NULL,
        kind         text NOT NULL,                     -- new_column, missing_column, type_change, null_key, required
        field        text NOT NULL,
        column_name  text,                              -- added for a new field
        policy       text NOT NULL,                     -- add, warn, fail (then nothing was loaded)
        message      text NOT NULL,
        times        bigint NOT NULL DEFAULT 1,         -- loads that found it, one after the other
        load_no      bigint,                            -- the first of them
        workflow_id  text,
        run_id       text,
        noticed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        settled_at   timestamptz)]],
    [[CREATE UNIQUE INDEX schema_changes_open ON signalroom.schema_changes (source, resource, client_id, kind, field, policy)
        WHERE settled_at IS NULL]],
    "COMMENT ON TABLE signalroom.schema_changes IS 'where vendors drifted from what a resource declares; open until settled_at'" },
}

-- The ledger of files: one row a file.
return {
  { "files",
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
    "COMMENT ON TABLE signalroom.files IS 'which version of each file is loaded; a file is loaded again when its etag differs'" },
}

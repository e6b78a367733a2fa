-- The ledger of files, signalroom.files: one row a file, with what of it is loaded. A file is loaded iff its row is not
-- done with the file's etag, so late, undated, changed and re-uploaded files load once, whatever their names say.
-- The row changes in the transaction of the file's rows.

local errors = require "errors"

local ledger = {}

--- What is known of a resource's files, by name.
---@return table<string, { etag: string, status: string, load_id: string? }>
function ledger.known(connection, job)
  local known = {}
  local rows = connection:query([[SELECT key, etag, status, load_id FROM signalroom.files
    WHERE source = $1 AND resource = $2 AND client_id = $3]], job.source.name, job.resource.name, job.client)
  for _, row in ipairs(rows) do known[row.key] = row end
  return known
end

--- Under the load's lock: true when another run has loaded just this file meanwhile. Raises Superseded when another run
--- has brought another version of it: the next attempt lists anew.
---@return boolean
function ledger.taken(tx, job, window)
  local file = window.file
  local row = tx:query([[SELECT etag, status FROM signalroom.files
    WHERE source = $1 AND resource = $2 AND client_id = $3 AND key = $4]], job.source.name, job.resource.name, job.client, file.name)[1]
  if row and row.etag == file.etag then return row.status == "done" end
  if (row and row.etag) == window.was then return false end
  error(errors.ApplicationError { type = "Superseded",
    message = ("%s: another load has brought another version of it meanwhile; nothing was changed"):format(file.name) }, 0)
end

--- Notes what came of a file: "done", or "refused" with the problem.
function ledger.note(tx, job, file, outcome)
  tx:query([[INSERT INTO signalroom.files (source, resource, client_id, key, etag, size, last_modified, rows, status, problem, load_id)
    VALUES ($1, $2, $3, $4, $5, $6::bigint, $7::timestamptz, $8::bigint, $9, $10, $11)
    ON CONFLICT (source, resource, client_id, key) DO UPDATE SET etag = excluded.etag, size = excluded.size,
      last_modified = excluded.last_modified, rows = excluded.rows, status = excluded.status, problem = excluded.problem,
      load_id = excluded.load_id, updated_at = clock_timestamp()]], job.source.name, job.resource.name, job.client, file.name, file.etag,
    file.size, file.modified, outcome.rows, outcome.status, outcome.problem, outcome.load_id)
end

return ledger

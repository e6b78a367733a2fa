local output = require "cli.output"
local schema = require "sync.schema"

return {
  name = "migrate", usage = "migrate",
  about = "bring the database to where this version needs it",
  details = "Makes the schema `signalroom` (load records and cursors) in the database that DATABASE_URL or SUPABASE_DB_HOST names.\n"
    .. "Running it again changes nothing.",
  run = function()
    schema.migrate()
    output.line "The database is up to date."
    output.value { migrated = true }
  end,
}

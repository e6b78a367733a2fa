local json = require "json"
local output = require "cli.output"
local schema = require "sync.schema"

return {
  name = "migrate", usage = "migrate",
  about = "bring the database to where this version needs it",
  details = "Makes and changes the tables in the schema `signalroom` (load records, cursors and so on) in the database that\n"
    .. "DATABASE_URL or SUPABASE_DB_HOST names. Each step runs once; running it again changes nothing.",
  run = function()
    local names = schema.migrate()
    for _, name in ipairs(names) do output.line("applied %s", name) end
    output.line "The database is up to date."
    output.value { migrated = true, applied = json.array(names) }
  end,
}

local client = require "client"
local json = require "json"
local output = require "cli.output"
local runs = require "cli.runs"

return {
  name = "list", usage = "list [--query QUERY] [--limit N]", connects = true,
  about = "runs, newest first",
  options = {
    { name = "query", value = "QUERY", about = "visibility query, such as ExecutionStatus='Running'" },
    { name = "limit", value = "N", is = "count", about = "at most so many; 20 unless given" },
  },
  run = function(given)
    local rows, list = {}, {}
    for i, about in ipairs(client.list(given.query or "", given.limit or 20)) do
      local row = runs.row(about)
      list[i] = { workflow_id = row.id, run_id = row.run_id, workflow_type = row.workflow, status = row.status, started = row.started,
        closed = row.closed }
      rows[i] = { row.status, row.workflow, row.id, row.started, row.closed }
    end
    output.table({ "STATUS", "WORKFLOW", "ID", "STARTED", "CLOSED" }, rows)
    output.value { runs = json.array(list) }
  end,
}

local client = require "client"
local json = require "json"
local output = require "cli.output"

local function status_of(info)
  return (tostring(info.status or ""):gsub("^WORKFLOW_EXECUTION_STATUS_", ""):gsub("_", " "):lower():gsub("^%l", string.upper))
end

return {
  name = "list", usage = "list [--query QUERY] [--limit N]", connects = true,
  about = "runs, newest first",
  options = {
    { name = "query", value = "QUERY", about = "visibility query, such as ExecutionStatus='Running'" },
    { name = "limit", value = "N", about = "at most so many; 20 unless given" },
  },
  run = function(given)
    local limit = tonumber(given.limit or 20)
    if not limit or limit < 1 then error({ usage = "--limit wants a number above 0" }, 0) end
    local rows, list = {}, {}
    for i, info in ipairs(client.list(given.query or "", limit)) do
      local row = { workflow_id = info.execution.workflow_id, run_id = info.execution.run_id, workflow_type = info.type and info.type.name,
        status = status_of(info), started = output.time(info.start_time), closed = output.time(info.close_time) }
      list[i] = row
      rows[i] = { row.status, row.workflow_type, row.workflow_id, row.started, row.closed }
    end
    output.table({ "STATUS", "WORKFLOW", "ID", "STARTED", "CLOSED" }, rows)
    output.value { runs = json.array(list) }
  end,
}

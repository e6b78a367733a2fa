local errors = require "errors"
local output = require "cli.output"
local runs = require "cli.runs"

local LISTS = { workflows = true, schedules = true }

return {
  name = "ui", usage = "ui [workflows | schedules [ID] | WORKFLOW_ID]", least = 0, most = 2, connects = true,
  about = "where the Temporal UI shows runs and schedules",
  details = "Prints the link and opens nothing: Temporal Cloud's for an address of the cloud, else port + 1000 of the server as in\n"
    .. "development mode; TEMPORAL_UI_ADDRESS=http://HOST:PORT names another.",
  options = { { name = "run-id", value = "ID", about = "one run of the workflow" } },
  run = function(given, rest)
    if rest[2] and not LISTS[rest[1]] then error({ usage = "usage: signalroom ui [workflows | schedules [ID] | WORKFLOW_ID]" }, 0) end
    local link
    if LISTS[rest[1] or "workflows"] then
      link = runs.page(rest[1] or "workflows", rest[2], given.run_id)
    else
      link = runs.link(rest[1], given.run_id)
    end
    if not link then
      error(errors.new("ConfigError", { message = "there is no UI: TEMPORAL_UI_ADDRESS is none", non_retryable = true }), 0)
    end
    output.line("%s", link)
    output.value { link = link }
  end,
}

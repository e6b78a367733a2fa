-- One source, as workflows run it.

local alert = require "workflows.alert"
local retry_of = require "workflows.source_retry"

local pipeline = {}

-- What the run was the first to notice about the vendor's fields; later runs do not repeat it.
local function warn(name, warnings)
  if warnings and #warnings > 0 then alert.news(name, "Pipeline warning: %s\n%s", name, table.concat(warnings, "\n")) end
end

--- Runs a source to its end. A workflow that was cancelled raises that.
---@param input { source_name: string, source_kwargs: table?, resources: string[]?, client: string? }
---@return table? result nil when it failed
---@return table? err why it failed
---@return string[]? troubles whose end people have not heard of
function pipeline.run(input)
  local ok, result = pcall(workflow.call, "run_pipeline_activity",
    { source_name = input.source_name, source_kwargs = input.source_kwargs, resources = input.resources, client = input.client },
    { start_to_close = "30m", heartbeat = "20s", retry = retry_of(input.source_name) })
  if ok then
    local troubles = result.troubles
    result.troubles = nil
    warn(input.source_name, result.warnings)
    return result, nil, troubles
  end
  if workflow.cancelled() then error(result, 0) end
  return nil, result
end

--- What went wrong, in words.
---@param err table
---@return string
function pipeline.reason(err)
  return (err.cause or err).message
end

--- A failure as a result.
---@param name string the source's
---@param err table
---@return table
function pipeline.failed(name, err)
  return { pipeline_name = name, load_id = "", row_counts = json.object {}, success = false, error_message = pipeline.reason(err) }
end

return pipeline

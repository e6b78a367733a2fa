-- One source, as workflows run it.

local RETRY = require "workflows.retry"

local pipeline = {}

--- Runs a source to its end. A workflow that was cancelled raises that.
---@param input { source_name: string, source_kwargs: table?, resources: string[]? }
---@return table? result nil when it failed
---@return table? err why it failed
---@return string[]? troubles whose end people have not heard of
function pipeline.run(input)
  local ok, result = pcall(workflow.call, "run_pipeline_activity",
    { source_name = input.source_name, source_kwargs = input.source_kwargs, resources = input.resources },
    { start_to_close = "30m", heartbeat = "20s", retry = RETRY })
  if ok then
    local troubles = result.troubles
    result.troubles = nil
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

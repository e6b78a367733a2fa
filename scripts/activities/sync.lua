-- The activity behind every sync: runs one source and says honestly what came of it.

local incidents = require "activities.sending.incidents"

-- `troubles` is what people were told of and have not heard the end of; mostly there is nothing.
activity "run_pipeline_activity" {
  run = function(input)
    local result = sync.run(input)
    result.troubles = incidents.open()
    return result
  end,
}

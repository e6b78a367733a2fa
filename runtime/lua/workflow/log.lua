-- Log lines of workflows. A replayed line was written when it first happened, so replay is silent.

local S = require "workflow.scheduler"

local native -- written in C: level, text, workflow type, workflow id, run id

local M = {}

--- Where lines go. Called once per cell by its host.
function M.open(writer) native = writer end

local function write(_, run, level, text)
  if S.moment.replaying or not native then return end
  native(level, text, run.info.workflow_type, run.info.workflow_id, run.info.run_id)
end

return setmetatable(M, { __call = write })

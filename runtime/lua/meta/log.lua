---@meta log
-- What an editor knows about `log`. The module itself is runtime/lua/activity/log.lua. For activities; in a workflow it
-- is workflow.log, which is silent in replay.
--
-- One line an event. The name is snake_case and always the same for the same thing, since people and alerts look for
-- it; what was special this time goes into fields. The task's own fields (activity_type, activity_id, attempt,
-- workflow_id, run_id) come by themselves. Secrets are "***".

---@class loglib
log = {}

---@param event string "rows_loaded"
---@param fields? table<string, any> JSON values, at most 32 with the task's
function log.info(event, fields) end

---For what only matters to who looks for something.
---@param event string
---@param fields? table<string, any>
function log.debug(event, fields) end

---For what somebody should look at some day.
---@param event string
---@param fields? table<string, any>
function log.warning(event, fields) end

---For what somebody should look at now.
---@param event string
---@param fields? table<string, any>
function log.error(event, fields) end

return log

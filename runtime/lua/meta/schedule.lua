---@meta schedule
-- What an editor knows about `schedule`, the word of workflows/schedules.lua. The command line reads that file
-- (runtime/lua/schedule/script.lua); workers load it and ignore what it says.

---@class ScheduleStart
---@field [1] string the workflow's type
---@field [2]? any its one argument
---@field id? string the workflow id; the server adds the fire time; the schedule's name unless given
---@field queue? string task queue; TEMPORAL_TASK_QUEUE or api-tasks unless given

---@class ScheduleDefinition
---@field cron string five fields, all of which must match, or @hourly, @daily, @weekly, @monthly, @yearly
---@field tz? string the zone of the cron; UTC unless given
---@field overlap? "skip"|"buffer_one"|"buffer_all"|"cancel_other"|"terminate_other"|"allow_all" while the run before it
---goes on; skip unless given
---@field note? string shown by `signalroom schedules list`
---@field paused? boolean how it begins; later changes by hand stay; false unless given
---@field start ScheduleStart

---When a workflow runs: `schedule "name" { cron = "0 5 * * *", start = { "Workflow", input } }`.
---@param name string
---@return fun(definition: ScheduleDefinition)
function schedule(name) end

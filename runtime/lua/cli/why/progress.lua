-- How far an activity is, from the details of its last heartbeat: syncs count windows, others show what they sent.

local converter = require "converter"
local output = require "cli.output"
local words = require "cli.why.words"

local function windows(details, limit, elapsed)
  local text = (" at %s, window %d of %d"):format(details.resource or "?", details.window, details.of)
  local done = details.window - 1
  if done < 1 or elapsed < 1000 then return text end
  local pace = (" (at this pace %s in all%s)"):format(words.span(elapsed * details.of / done),
    limit > 0 and ", limit " .. words.span(limit) or "")
  return text .. pace
end

--- " at daily_stats, window 7 of 20 (at this pace 11 min in all, limit 30 min)"; "" when nothing was said.
---@param activity table  temporal.api.workflow.v1.PendingActivityInfo
---@param elapsed number  ms since the attempt began
---@return string
return function(activity, elapsed)
  local ok, details = pcall(converter.decode_first, activity.heartbeat_details)
  if not ok or details == nil then return "" end
  local limit = activity.activity_options and activity.activity_options.start_to_close_timeout or 0
  if type(details) == "table" and type(details.window) == "number" and type(details.of) == "number" then
    return windows(details, limit, elapsed)
  end
  return " (says " .. output.brief(details, 100) .. ")"
end

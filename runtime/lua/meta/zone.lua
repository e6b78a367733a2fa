---@meta zone
-- What an editor knows about `require "zone"`. The module itself is C: runtime/activity/zone_lua.c.

---Business days in time zones, by the system's zone database. Times are seconds since 1970, days are texts
---"YYYY-MM-DD". An unknown zone raises ValueError.
---@class zonelib
local zone = {}

---The day on which an instant falls: zone.date(os.time(), "America/New_York").
---@param time number
---@param name string
---@return string day
function zone.date(time, name) end

---The instant at which a day begins there. It ends where the next one begins: after 23, 24 or 25 hours.
---@param day string
---@param name string
---@return number time
function zone.start(day, name) end

---Seconds east of UTC at an instant: -18000 for New York in winter.
---@param time number
---@param name string
---@return integer seconds
function zone.offset(time, name) end

return zone

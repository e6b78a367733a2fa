-- Durations as people write them: "500ms", "30s", "5m", "1h30m", "2d", or a number of seconds.
-- Inside the runtime every duration is a whole number of milliseconds, rounded up.

local mistake = require "mistake"

local UNIT_MS = { ms = 1, s = 1000, m = 60000, h = 3600000, d = 86400000 }
local LONGEST_MS = 100 * 366 * UNIT_MS.d
local KNOWN_WORDS = 256

local known, known_count = {}, 0

local function parse(word)
  local total, rest = 0, word
  repeat
    local number, unit, after = rest:match("^(%d+%.?%d*)(%a+)(.*)$")
    if not number or not UNIT_MS[unit] then return nil end
    total, rest = total + tonumber(number) * UNIT_MS[unit], after
  until rest == ""
  return total
end

local function remember(word, ms)
  if known_count == KNOWN_WORDS then known, known_count = {}, 0 end
  known[word], known_count = ms, known_count + 1
  return ms
end

local function refuse(value, what)
  mistake(("%s must be a duration like \"500ms\", \"30s\", \"5m\", \"1h30m\", \"2d\" or a number of seconds, not %s")
    :format(what or "duration", type(value) == "string" and ("%q"):format(value) or tostring(value)))
end

local M = {}

--- Milliseconds of a duration.
---@param value string|number a word like "30s", or seconds
---@param what? string what it is for, as the error text names it
---@return integer ms zero or more, rounded up
function M.ms(value, what)
  local ms = known[value]
  if ms then return ms end
  if type(value) == "string" then
    ms = parse(value)
  elseif type(value) == "number" then
    ms = value * 1000
  end
  if not ms or ms ~= ms or ms < 0 or ms > LONGEST_MS then refuse(value, what) end
  ms = math.ceil(ms - 1e-6)
  return type(value) == "string" and remember(value, ms) or ms
end

return M

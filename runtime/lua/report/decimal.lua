-- Decimal numbers as text: rounded and grouped for people. Postgres gives numeric as text, which is rounded here
-- digit by digit, half away from zero as Postgres does; a Lua number is rounded as C's printf rounds it.

local decimal = {}

local function is_finite(number)
  return number == number and number ~= math.huge and number ~= -math.huge
end

--- The number as sign and digits; nil when the value is none.
---@param value any a number, or text like "-1234.50"
---@return { negative: boolean, whole: string, fraction: string, number: number? }?
function decimal.read(value)
  if type(value) == "string" then
    local sign, whole, fraction = value:match "^([+-]?)(%d+)%.?(%d*)$"
    if whole then return { negative = sign == "-", whole = whole, fraction = fraction } end
    if not value:match "^[+-]?[%d.]+[eE][+-]?%d+$" then return nil end
    value = tonumber(value)
  end
  if type(value) ~= "number" or not is_finite(value) then return nil end
  local whole, fraction = ("%.17f"):format(math.abs(value)):match "^(%d+)%.(%d+)$"
  return { negative = value < 0, whole = whole, fraction = fraction, number = math.abs(value) }
end

-- One more in the last place.
local function increment(digits)
  local nines = digits:match "9*$"
  local head = digits:sub(1, #digits - #nines)
  local raised = head == "" and "1" or head:sub(1, -2) .. string.char(head:byte(-1) + 1)
  return raised .. ("0"):rep(#nines)
end

local function rounded(read, places)
  if read.number then return ("%." .. places .. "f"):format(read.number):match "^(%d+)%.?(%d*)$" end
  local kept = read.fraction:sub(1, places)
  kept = kept .. ("0"):rep(places - #kept)
  local digits = read.whole .. kept
  if read.fraction:sub(places + 1, places + 1) >= "5" then digits = increment(digits) end
  return digits:sub(1, #digits - places), digits:sub(#digits - places + 1)
end

local function grouped(whole)
  whole = whole:gsub("^0+(%d)", "%1")
  return (whole:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

--- "1,234.50" with a sign of its own: "" or "-", and "" where nothing but zeros is left.
---@param read table of decimal.read
---@param places integer digits behind the point
---@param style? { truncate: boolean?, plain: boolean? } plain: without the commas
---@return string sign
---@return string digits
function decimal.show(read, places, style)
  style = style or {}
  local whole, fraction
  if style.truncate then whole, fraction = read.whole, read.fraction:sub(1, places) else whole, fraction = rounded(read, places) end
  local zero = not (whole .. fraction):find "[1-9]"
  local digits = style.plain and whole or grouped(whole)
  return read.negative and not zero and "-" or "", places > 0 and digits .. "." .. fraction or digits
end

--- A number for comparing; nil when the value is none.
---@param value any
---@return number?
function decimal.number(value)
  if type(value) == "number" then return value end
  return type(value) == "string" and decimal.read(value) and tonumber(value) or nil
end

return decimal

-- What a template may do to a value: {{ cost|currency }}. A filter is { least, most, run }, how many arguments it takes
-- and run(channel, value, ...). Null is nil here.

local dates = require "sync.dates"
local decimal = require "report.decimal"

local filters = {}

local function number_of(value, filter)
  local read = decimal.read(value)
  if read then return read end
  error(("%s takes a number, not %s"):format(filter, type(value) == "string" and ("%q"):format(value) or type(value)), 0)
end

local function places_of(value, default, filter)
  if value == nil then return default end
  if type(value) ~= "number" or value < 0 or value > 9 or value % 1 ~= 0 then error(filter .. " takes 0 to 9 digits", 0) end
  return value
end

local function add(name, least, most, run)
  filters[name] = { least = least, most = most, run = run }
end

add("currency", 0, 1, function(_, value, symbol)
  local sign, digits = decimal.show(number_of(value == nil and 0 or value, "currency"), 2)
  return (symbol or "$") .. sign .. digits
end)

-- Without digits behind the point it cuts them off, as the old system did; with some it rounds.
add("number", 0, 1, function(_, value, places)
  if value == nil then return "0" end
  places = places_of(places, 0, "number")
  local sign, digits = decimal.show(number_of(value, "number"), places, { truncate = places == 0 })
  return sign .. digits
end)

add("percent", 0, 1, function(_, value, places)
  if value == nil then return "0%" end
  local sign, digits = decimal.show(number_of(value, "percent"), places_of(places, 1, "percent"), { plain = true })
  return sign .. digits .. "%"
end)

add("delta", 0, 0, function(_, value)
  if value == nil then return "0" end
  local read = number_of(value, "delta")
  local sign, digits = decimal.show(read, 2)
  if sign == "" and digits:find "[1-9]" then sign = "+" end
  return sign .. digits
end)

-- "2026-01-14", also with a time behind it, as seconds since 1970; nil when it is none.
local function seconds(text)
  local day, clock = tostring(text):match "^(%d%d%d%d%-%d%d%-%d%d)(.*)$"
  if not day or not pcall(dates.check, day) then return nil end
  local hour, minute, second = clock:match "^[ T](%d%d):(%d%d):?(%d*)"
  return dates.between("1970-01-01", day) * 86400 + (tonumber(hour) or 0) * 3600 + (tonumber(minute) or 0) * 60 + (tonumber(second) or 0)
end

-- What is no date stays as it is.
add("date", 0, 1, function(_, value, format)
  if value == nil then return "" end
  local at = seconds(value)
  return at and os.date("!" .. (format or "%b %d, %Y"), at) or value
end)

add("default", 1, 1, function(_, value, other)
  if value == nil or value == "" then return other end
  return value
end)

-- Behind so many characters the text ends in "...".
add("cut", 1, 1, function(_, value, limit)
  local text, count, at = tostring(value == nil and "" or value), 0, 1
  while at <= #text and count < limit do
    at = text:find("[%z\1-\127\192-\255]", at + 1) or #text + 1
    count = count + 1
  end
  return at <= #text and text:sub(1, at - 1) .. "..." or text
end)

add("first", 1, 1, function(_, value, count)
  if type(value) ~= "table" then error("first takes a list", 0) end
  return { unpack(value, 1, math.min(count, #value)) }
end)

-- In the channel's own way: Slack's <url|label>, HTML's <a>.
add("link", 1, 1, function(channel, value, label)
  if value == nil then return "" end
  return channel.raw(channel.link(channel.escape(tostring(value)), channel.escape(tostring(label))))
end)

-- The value is markup already: it is not escaped.
add("raw", 0, 0, function(channel, value)
  return channel.raw(tostring(value == nil and "" or value))
end)

return filters

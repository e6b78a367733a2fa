-- What a channel makes of a value in a template: how it is escaped, and what a link looks like.

local channels = {}

local Raw = { __metatable = "report.raw" }

local function raw(text)
  return setmetatable({ text = text }, Raw)
end

--- The text of a value that is markup already; nil when it is not.
function channels.markup(value)
  return type(value) == "table" and getmetatable(value) == "report.raw" and value.text or nil
end

local SLACK = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }
local HTML = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function same(text)
  return text
end

channels.slack = {
  raw = raw,
  escape = function(text) return (text:gsub("[&<>]", SLACK)) end,
  link = function(url, label) return ("<%s|%s>"):format(url, label) end,
}

channels.html = {
  raw = raw,
  escape = function(text) return (text:gsub("[&<>\"']", HTML)) end,
  link = function(url, label) return ('<a href="%s">%s</a>'):format(url, label) end,
}

--- Plain text: SMS, subjects, the text beside a mail's HTML.
channels.text = {
  raw = raw,
  escape = same,
  link = function(url, label) return ("%s (%s)"):format(label, url) end,
}

return channels

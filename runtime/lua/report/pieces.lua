-- A template cut into text and tags.

local errors = require "errors"

local pieces = {}

local CLOSING = { ["{{"] = "}}", ["{%"] = "%}", ["{#"] = "#}" }

local function line_at(text, at)
  return 1 + select(2, text:sub(1, at - 1):gsub("\n", ""))
end

--- Calls run(...); what it raises as plain text becomes a TemplateError with the place in front.
---@param place string "daily.slack.tpl:3"
---@param run function
---@return any
function pieces.at(place, run, ...)
  local ok, value = pcall(run, ...)
  if ok then return value end
  if errors.is(value) then error(value, 0) end
  error(errors.ApplicationError { type = "TemplateError", message = place .. ": " .. tostring(value), non_retryable = true }, 0)
end

local function add_text(list, text)
  if text ~= "" then list[#list + 1] = { kind = "text", text = text } end
end

-- Without the blanks in which a tag stands when they are all that its line has before it.
local function unindented(before, begins_line)
  local alone = before:find "\n[ \t]*$" or begins_line and before:find "^[ \t]*$"
  return alone and before:gsub("[ \t]+$", "") or before
end

--- The pieces in order: { kind = "text"|"{{"|"{%", text, place }. Comments are left out, and the line that a tag has to itself.
---@param source string
---@param name string
---@return table[]
function pieces.cut(source, name)
  local text, list, at = source:gsub("^\239\187\191", ""):gsub("\r\n", "\n"):gsub("\n$", ""), {}, 1
  while true do
    local open = text:find("{[{%%#]", at)
    if not open then
      add_text(list, text:sub(at))
      return list
    end
    local kind, place = text:sub(open, open + 1), ("%s:%d"):format(name, line_at(text, open))
    local from, to = text:find(CLOSING[kind], open + 2, true)
    if not from then pieces.at(place, error, ("%s has no %s"):format(kind, CLOSING[kind]), 0) end
    local before = text:sub(at, open - 1)
    add_text(list, kind == "{{" and before or unindented(before, at == 1 or text:sub(at - 1, at - 1) == "\n"))
    if kind ~= "{#" then list[#list + 1] = { kind = kind, text = text:sub(open + 2, from - 1), place = place } end
    at = to + 1
    if kind ~= "{{" and text:sub(at, at) == "\n" then at = at + 1 end
  end
end

return pieces

-- What Slack accepts in one message; more is refused by us before anything is sent.

local errors = require "errors"

local MOST_BLOCKS, LONGEST_TEXT = 50, 40000
local LONGEST = { section = 3000, header = 150 }

local function characters(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

local blocks = {}

local function refuse(format, ...)
  error(errors.ValueError(format:format(...)), 0)
end

--- Raises ValueError for a text that Slack would cut.
---@param report string
---@param text string
function blocks.check_text(report, text)
  local count = characters(text)
  if count > LONGEST_TEXT then refuse("report %s: the message has %d characters, Slack cuts it at %d", report, count, LONGEST_TEXT) end
end

--- Raises ValueError for blocks that Slack would refuse.
---@param report string
---@param list table[]
---@return table[] list
function blocks.check(report, list)
  if type(list) ~= "table" then refuse("report %s: blocks is a list", report) end
  if #list > MOST_BLOCKS then refuse("report %s: %d blocks, Slack takes %d", report, #list, MOST_BLOCKS) end
  for i, block in ipairs(list) do
    local limit = LONGEST[block.type]
    local text = type(block.text) == "table" and block.text.text
    if limit and text and characters(text) > limit then
      refuse("report %s: block %d, a %s, has %d characters, Slack takes %d", report, i, block.type, characters(text), limit)
    end
  end
  return list
end

return blocks

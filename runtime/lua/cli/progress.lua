-- One line on stderr that says what is going on, written over by the next; only where a person looks at a terminal.

local host = require "cli.host"
local output = require "cli.output"

local progress = {}

local shown = false

--- Whether anybody sees it.
---@return boolean
function progress.visible()
  return host.is_terminal(2) and host.columns() ~= nil and not output.as_json
end

--- Takes the line away.
function progress.clear()
  if shown then host.write(2, "\r\27[K") end
  shown = false
end

--- Shows a line instead of the last.
function progress.line(format, ...)
  if not progress.visible() then return end
  local text = host.fit(format:format(...), host.columns() - 1)
  host.write(2, "\r" .. text .. "\27[K")
  shown = true
end

--- Says something that stays.
function progress.note(format, ...)
  progress.clear()
  output.note(format, ...)
end

return progress

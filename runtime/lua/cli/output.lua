-- What commands print: text and tables for people on stdout, one JSON document with --json, progress on stderr.

local host = require "cli.host"
local json = require "json"

local output = { as_json = false, colour = false }

local function write(stream, text)
  host.write(stream, text)
end

--- A line for people; nothing with --json.
function output.line(format, ...)
  if not output.as_json then write(1, (select("#", ...) > 0 and format:format(...) or format) .. "\n") end
end

--- Progress and notes: on stderr, so that stdout stays clean.
function output.note(format, ...)
  write(2, (select("#", ...) > 0 and format:format(...) or format) .. "\n")
end

--- The command's result for programs: printed only with --json, once.
function output.value(value)
  if output.as_json then write(1, json.encode(value) .. "\n") end
end

local function width_of(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

--- Rows under headings, columns aligned; numbers to the right.
---@param headings string[]
---@param rows string[][]
function output.table(headings, rows)
  if output.as_json then return end
  local widths = {}
  for i, heading in ipairs(headings) do widths[i] = width_of(heading) end
  for _, row in ipairs(rows) do
    for i = 1, #headings do widths[i] = math.max(widths[i], width_of(tostring(row[i] or ""))) end
  end
  local function line(cells, plain)
    local parts = {}
    for i = 1, #headings do
      local text = tostring(cells[i] or "")
      local gap = (" "):rep(widths[i] - width_of(text))
      local right = not plain and type(cells[i]) == "number"
      parts[i] = right and gap .. text or i == #headings and text or text .. gap
    end
    output.line("%s", (table.concat(parts, "  "):gsub("%s+$", "")))
  end
  line(headings, true)
  for _, row in ipairs(rows) do line(row) end
end

--- A time for people: UTC, to the second.
---@param ms number?
function output.time(ms)
  return ms and ms > 0 and os.date("!%Y-%m-%d %H:%M:%SZ", math.floor(ms / 1000)) or ""
end

--- Any value on one line, shortened.
---@param value any
---@param limit integer?  characters; 120 unless given
function output.brief(value, limit)
  local text = type(value) == "string" and value or json.encode(value)
  text = text:gsub("%s+", " ")
  limit = limit or 120
  return #text > limit and text:sub(1, limit - 3) .. "..." or text
end

return output

-- CSV for activities: rows one at a time from a text or from chunks as they arrive, and back.

local native = require "native.csv"

local csv = {}

--- Walks the rows of a CSV text. RFC 4180: quotes, CR LF or LF, a byte order mark; empty lines are skipped.
---
---     for row, line in csv.rows(text) do plan:row { email = row["E-Mail"] } end
---
--- `header`: true (default) takes the names from the first line and gives tables by name; a list gives the names of
--- a text without that line; false gives lists. All values are texts; an empty field is "". A row of another length
--- than the first raises VendorError with its line, unless `short_rows` lets it end early (the rest is nil).
---@param source string|fun(): string?  the text, or a function that returns its next piece, nil at the end
---@param options? { header?: boolean|string[], separator?: string, short_rows?: boolean, field_max?: integer|string }
---@return fun(): table?, integer? rows  the next row and the line on which it begins
function csv.rows(source, options)
  local reader = native.reader(options)
  if type(source) ~= "function" then
    reader:feed(source)
    source = nil
  end
  return function()
    while true do
      local row, line = reader:next()
      if row then return row, line end
      if line then return nil end
      local chunk = source and source()
      if chunk then reader:feed(chunk) else reader:finish() end
    end
  end
end

--- Rows as CSV text, lines ended by CR LF. With `columns` rows are tables by name and the names are the first line
--- (unless `header` is false); without it they are lists. nil and json.null are empty fields.
---@param rows table[]
---@param options? { columns?: string[], header?: boolean, separator?: string, bom?: boolean }  `bom`: for Excel
---@return string text
function csv.encode(rows, options)
  return native.encode(rows, options)
end

return csv

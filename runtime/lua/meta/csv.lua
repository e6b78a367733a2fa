---@meta csv
-- What an editor knows about `csv`. The module itself is runtime/lua/activity/csv.lua. For activities.

---@class CsvReadOptions
---@field header? boolean|string[] true (default): the names are the text's first line, rows are tables by name; a list: the
---names of a text without that line; false: rows are lists
---@field separator? string one ASCII character, default ","
---@field short_rows? boolean rows may end early, the rest is nil; default false: VendorError
---@field field_max? integer|string of one field; default "1MB"

---@class CsvWriteOptions
---@field columns? string[] rows are tables by these names; without it they are lists
---@field header? boolean the names as first line; default true
---@field separator? string one ASCII character, default ","
---@field bom? boolean a byte order mark in front, so that Excel reads UTF-8; default false

---@class csvlib
csv = {}

---Walks the rows of a text by RFC 4180: quotes, CR LF or LF or CR, a byte order mark. Empty lines are skipped, except
---where rows have one field. All values are text, an empty field is "". Raises VendorError with the line for a row of
---another length than the first, text behind a closing quote, a quote that is never closed, a name that is empty or
---occurs twice, bytes that are not UTF-8.
---
---     for row, line in csv.rows(reply.body) do plan:row { email = row["E-Mail"] } end
---@param source string|fun(): string? the text, or a function that returns its next piece, nil at the end; it may wait
---@param options? CsvReadOptions
---@return fun(): table?, integer? rows the next row and the line on which it begins
function csv.rows(source, options) end

---Rows as text, lines ended by CR LF, quoted where that is needed. nil and json.null are empty fields.
---@param rows table[]
---@param options? CsvWriteOptions
---@return string text
function csv.encode(rows, options) end

return csv

---@meta json
-- What an editor knows about `json`. The module itself is C: runtime/script/json.c.

---JSON that loses nothing. Legal everywhere, also in workflows: pure, and equal in every process.
---
--- * An array read from JSON remembers that it is one, so `[]` stays `[]`.
--- * `null` is `json.null`, which is true in a condition: compare with `== json.null`.
--- * A number is a Lua number when nothing is lost by it: integers up to 2^53, decimals of up to 15
---   significant digits (16 and 17 when they are a double's own shortest text). Any other number is
---   a `json.number`: `tostring(n)` is its text, and it is written back letter by letter.
---@class jsonlib
---@field null userdata what JSON's null is in Lua
json = {}

---A number that a Lua number cannot hold exactly. `tostring(n)` gives its text, `..` works, `==` compares
---the text of two of them. No arithmetic: that would round. As a key of a table use `tostring(n)`.
---@class json.number: userdata
---@operator concat(any): string

---Reads one JSON text. Raises with line, column and what was expected: for a syntax error, for a key
---that occurs twice in an object, for text that is not UTF-8, beyond 200 levels or 64 MiB.
---@param text string
---@return any value
function json.decode(text) end

---Writes a value as JSON, without white space, keys sorted by their bytes. A table is an array when its
---keys are 1..n, an object when they are all text, `{}` when it is empty (`json.array()` for `[]`). Raises
---with the path of what JSON cannot hold: NaN, infinity, a function, holes, mixed keys, text that is not UTF-8.
---@param value any
---@return string text
function json.encode(value) end

---Marks a table as an array, also when it is empty; returns it.
---@generic T: table
---@param items? T a new one when left out
---@return T
function json.array(items) end

---Marks a table as an object, whose integer keys are then written as text; returns it.
---@generic T: table
---@param fields? T a new one when left out
---@return T
function json.object(fields) end

---A number written exactly as this text says: `json.number "12.50"`.
---@param literal string|number
---@return json.number
function json.number(literal) end

return json

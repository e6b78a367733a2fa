---@meta pages
-- What an editor knows about `pages`. The module itself is C: runtime/activity/pages_lua.c.

---From a vendor's page to rows for COPY, without a Lua value in between. Legal in activities.
---
---     local plan = pages.plan({
---       date       = "date(epoch)! at columns[column_type=date].id",
---       affiliate  = "text at columns[column_type=affiliate].label",
---       clicks     = "int! at reporting.total_click",
---       cost       = "money at cost | spend",
---     }, { tz = "America/New_York" })
---     plan:add(reply.body, "table")
---     tx:copy("COPY stage (...) FROM STDIN", plan:take())     -- columns in the order of plan:column_names()
---
---A column is `TYPE`, `TYPE!` (never null) or either with ` at PATH`; without a path it is the member of its own
---name. Several paths, `a | b`: the first that is not null.
---
--- | TYPE | in Postgres | takes |
--- |---|---|---|
--- | `text` | text | text; numbers and booleans as they are written |
--- | `int` | bigint | whole numbers of 64 bits, also as text; `5.0` is 5, `5.5` is refused |
--- | `money`, `numeric` | numeric | a number's own text, digit by digit, also as text |
--- | `bool` | boolean | true, false, 1, 0, also as text |
--- | `date` | date | `2026-01-14`; of a time with an offset the day in the plan's zone or `date(ZONE)` |
--- | `date(epoch, ZONE)`, `date(epoch_ms, ZONE)` | date | seconds, milliseconds since 1970: the day in ZONE |
--- | `timestamptz` | timestamptz | RFC 3339; without an offset it takes the plan's zone or `timestamptz(ZONE)` |
--- | `timestamptz(epoch)`, `timestamptz(epoch_ms)` | timestamptz | seconds, milliseconds since 1970 |
--- | `jsonb` | jsonb | anything, as it stands |
---
---Empty text is null except in `text` and `jsonb`. NUL, which Postgres cannot hold, is taken out and counted. A value
---that does not fit raises VendorError with row, column, path and value; nothing turns into 0.
---
---PATH: `a.b` members, `list[2]` a place from 1, `list[key=text]` the element of a list whose `key` is `text`,
---`"a.b"` in quotes where a name has `.`, `[`, `]`, `|` or outer blanks, `.` the row itself.
---@class pageslib
pages = {}

---@class pages.plan: userdata
local plan = {}

---@class pages.buffer: userdata COPY text outside of Lua's memory; `copy` and spool files take it
local buffer = {}

---@class pages.column
---@field name string
---@field type string in Postgres: "bigint"
---@field at string the path
---@field required boolean
---@field found integer rows that had a value
---@field missing integer? of a tolerant plan: rows without one
---@field first_missing integer? the first of them, from 1
---@field absent integer? of those: rows without even a null at the path
---@field misfits integer? rows whose value did not fit
---@field first_misfit integer? the first of them
---@field misfit string? what was wrong with it

---@class pages.stranger
---@field at string the path, as a column writes it
---@field type string? in Postgres, by the first value that was not null: text, numeric, boolean or jsonb

---A plan for rows. `columns` is a table by name (its order is that of the names), a list of `{ name, text }`, or
---"infer": then columns are found as rows come. Objects become columns `a__b` down to two levels, deeper ones and lists
---jsonb; types widen bigint, numeric, text; text is timestamptz only with a time and an offset; a key that was only ever
---null makes no column. Raises ValueError for a column that means nothing.
---@param columns table<string, string>|string[][]|"infer"
---
---A `tolerant` plan takes rows with missing required values and with values that do not fit, as nulls, and counts them
---(`plan:columns()`): who uses it judges. It also notes what no column asks for (`plan:strangers()`).
---@param options? { tz?: string, tolerant?: boolean } the zone of days and times that name none
---@return pages.plan
function pages.plan(columns, options) end

---Walks the rows of a page as Lua tables, for `plan:row` or else. Numbers beyond a Lua number are json.number.
---@param page string JSON
---@param path? string where the list is: "data.items"; the page itself when left out
---@return fun(): any row
function pages.rows(page, path) end

---One value of a page by its path, read no further than it stands: a page token, a total, a flag. nil when it is null or
---absent. Raises ValueError when it is an object or a list. Where a plan has added rows of this page, `at` and `size` as
---`plan:add` gave them save reading those again.
---@param page string JSON
---@param path string
---@param at? integer
---@param size? integer
---@return string|number|boolean|json.number|nil
function pages.scalar(page, path, at, size) end

---Takes all rows of a page, or none and raises VendorError: for a page that is no JSON, without the list, for a value
---that does not fit, a key twice in a row, or a required value that is missing (counted over the page). A list that is
---null has no rows.
---@param page string JSON
---@param path? string where the list is; the page itself when left out; "contacts.*": the members of an object, or a list
---@return integer rows
---@return integer? at the byte of the page where the list begins, from 1; nil when it is null
---@return integer? size bytes of the list
function plan:add(page, path) end

---Takes one row by the same rules: a table by column name. nil and json.null are null; tables fit jsonb. An unknown
---column raises ValueError.
---@param row table<string, any>
function plan:row(row) end

---Moves the rows out, into a new buffer or an old one, whose own rows are then lost. In a plan that infers they have as many
---fields as there are columns now.
---@param buffer? pages.buffer
---@return pages.buffer
function plan:take(buffer) end

---All rows taken so far, those given out by `take` included.
---@return integer
function plan:rows() end

---Bytes of COPY text that wait for `take`.
---@return integer
function plan:size() end

---NUL characters taken out so far.
---@return integer
function plan:nuls() end

---The columns in the order of the fields.
---@return pages.column[]
function plan:columns() end

---Their names, for `COPY stage (...)`.
---@return string[]
function plan:column_names() end

---The members of a row, and of the objects on the columns' paths, that no column asks for; not of lists. At most 300.
---@return pages.stranger[]
function plan:strangers() end

---How large it is.
---@return integer bytes
function buffer:size() end

---Its COPY text.
---@return string text a copy, for tests and small things
function buffer:text() end

---How many fields its rows have.
---@return integer
function buffer:columns() end

---Fills rows taken before a plan had found its later columns up to `columns` fields with nulls; returns the buffer.
---@param columns integer
---@return pages.buffer
function buffer:pad(columns) end

return pages

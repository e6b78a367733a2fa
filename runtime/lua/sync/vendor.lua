-- What a resource's `fetch` is given: requests to the vendor, and where its rows go.
--
-- Rows go from the page to COPY text in C (`run:rows`); a row becomes a Lua table only when a script maps it
-- (`run:emit`). What is fetched waits in memory, beyond 1 MB in a spool file, until the whole window is there: the
-- transaction that loads it then lasts seconds, however slow the vendor is.

local client = require "sync.client"
local contract = require "sync.contract"
local dates = require "sync.dates"
local errors = require "errors"
local file = require "activity.file"
local files = require "sync.files"
local json = require "json"
local pages = require "pages"
local request = require "sync.request"
local secret = require "activity.secret"
local sheet = require "sync.sheet"
local timer = require "native.timer"
local zone = require "zone"

local SPOOL_BYTES = 1024 * 1024
local PAGES_MAX = 10000

local vendor = {}
local Run = {}
Run.__index = Run

--- A fetch of one window.
---@param job table
---@param window table
function vendor.new(job, window)
  local columns = job.resource.columns and contract.columns(job) -- files and the like bring their own
  return setmetatable({ job = job, window = window, began = timer.now(), requests = 0, bytes = 0, mapped = false, raw = {},
    source = job.source, kwargs = job.kwargs, tz = job.source.tz, client = job.client,
    plan = columns and pages.plan(columns, { tz = job.source.tz, tolerant = true }) }, Run)
end

--- The client's secret: NAME for the source's own client, NAME_CLIENT for another one. Raises KeyError when it is not set.
---@param name string
---@return string
function Run:secret(name)
  return secret(client.secret_name(self.source, self.client, name))
end

--- GET below the source's base URL, or of a whole address; options as http.request takes them. Raises typed errors.
---@param path string
---@param options? table
---@return table response
function Run:get(path, options)
  return request(self, "GET", path, options)
end

--- POST below the source's base URL, or to a whole address; options as http.request takes them. Raises typed errors.
---@param path string
---@param options? table
---@return table response
function Run:post(path, options)
  return request(self, "POST", path, options)
end

--- Goes through pages, and refuses those that do not advance. `take(mark)` asks for one page and takes its rows; it returns the
--- reply, and the mark of the next page (a number, an offset, a cursor), or nil after the last:
---
---     run:pages(1, function(page)
---       local reply = run:get("/v1/spend", { query = { page = page } })
---       run:rows(reply, "spend")
---       return reply, page < run:value(reply, "pages") and page + 1 or nil
---     end)
---@param mark string|number  of the first page
---@param take fun(mark: string|number): table, string|number|nil
function Run:pages(mark, take)
  local taken, count, last = {}, 0, nil
  while mark ~= nil do
    count = count + 1
    self:require(count <= PAGES_MAX, "VendorError", ("more than %d pages"):format(PAGES_MAX))
    self:require(not taken[mark], "VendorError", ("paging does not advance: page %s follows itself"):format(tostring(mark)))
    taken[mark] = true
    local reply, following = take(mark)
    self:require(reply.body ~= last, "VendorError", ("paging does not advance: page %s is the one before it again"):format(tostring(mark)))
    mark, last = following, reply.body
  end
end

--- When the window's first day begins and when its last one ends, in the source's zone: "2026-01-14T05:00:00Z".
---@return string? from  nil in a window of everything
---@return string to  itself no longer in the window
function Run:between()
  local function begin(day)
    return os.date("!%Y-%m-%dT%H:%M:%SZ", zone.start(day, self.tz))
  end
  local window = self.window
  return window.from and begin(window.from), begin(dates.add(window.to, 1))
end

--- Raises an error of the given type unless the condition holds.
function Run:require(condition, type, message)
  if not condition then error(errors.ApplicationError { type = type, message = message, non_retryable = true }, 0) end
end

--- A value of a page by its path, without decoding the page: run:value(reply, "paging.next").
function Run:value(reply, path)
  return pages.scalar(reply.body, path, reply.list_at, reply.list_size)
end

--- Says what columns the rows have, for a resource that declares none: name and type, as pages.plan takes them.
---@param columns table<string, string>|string[][]
function Run:columns(columns)
  self.plan = pages.plan(columns, { tz = self.tz })
end

--- Moves rows that are too many for memory to disk.
function Run:spool_rows()
  if self.plan:size() < SPOOL_BYTES then return end
  self.spool = self.spool or file.spool()
  self.rows_out = self.plan:take(self.rows_out)
  self.spool:write(self.rows_out)
end

-- What plan:add gave; what it raised says whose rows they were to be.
local function taken(run, ok, count, ...)
  if ok then return count, ... end
  local err = errors.normalize(count)
  err.message = ("%s.%s: %s"):format(run.source.name, run.job.resource.name, (err.message:gsub("^plan:add: ", "")))
  error(err, 0)
end

--- Takes the rows at `path` of a page by the resource's column paths, all in C.
---@param reply table   what get or post returned
---@param path string   where the list of rows is, "" for the page itself; "contacts.*" for rows that are an object's members
---@return integer rows
function Run:rows(reply, path)
  local count
  count, reply.list_at, reply.list_size = taken(self, pcall(self.plan.add, self.plan, reply.body, path))
  self:spool_rows()
  return count
end

-- By type of Lua: what a new field's column is.
local TYPE = { string = "text", number = "numeric", boolean = "boolean", table = "jsonb" }

-- Notes the fields of a vendor's row, and takes those that columns were added for.
local function take_raw(run, row, raw)
  for field, value in pairs(raw) do
    if type(field) == "string" and field:find "^[%a_][%w_]*$" then
      run.raw[field] = run.raw[field] or value ~= json.null and (TYPE[type(value)] or "numeric")
    end
  end
  for name, column in pairs(run.job.contract.added) do row[name] = raw[column.at] end
end

--- Takes one mapped row: a table by column name. `raw` is the vendor's row that it was made of: with it the runtime notices
--- new and missing fields.
---@param row table
---@param raw table?
function Run:emit(row, raw)
  self.mapped = true
  if raw then take_raw(self, row, raw) end
  self.plan:row(row)
  if self.plan:rows() % 1000 == 0 then self:spool_rows() end
end

--- The vendor's fields that no column asks for: { at =, type = }, without a type when they were only ever null.
---@return table[]
function Run:strangers()
  if not self.mapped then return self.plan:strangers() end
  local list, added = {}, {}
  for _, column in pairs(self.job.contract.added) do added[column.at] = true end
  for field, kind in pairs(self.raw) do
    if not added[field] then list[#list + 1] = { at = field, type = kind or nil } end
  end
  return list
end

--- Takes the window's file as CSV, packed or not. `read(take)` gives its bytes to take(chunk).
---@param read fun(take: fun(chunk: string))
function Run:csv(read)
  files.csv(self, self.window.file, read)
end

--- Takes a sheet: a list of rows, each a list of cells, the first one the columns' names. Rows may be shorter than that; empty
--- ones are left out. A column of numbers is numeric, of truth values boolean, of YYYY-MM-DD date, anything else text, and one
--- without a value is none yet. `types` says otherwise by name. The resource's key are columns, or `_row_id`: the row's place,
--- from 0.
---@param values any[][]
---@param types? table<string, string>  as of declared columns: { cost = "money!" }
function Run:sheet(values, types)
  sheet.take(self, values, types or {})
end

--- What COPY reads: the spool file and what is still in memory, in order.
function Run:chunks()
  local rest = self.plan:take(self.rows_out)
  if not self.spool then return rest end
  self.spool:write(rest)
  return self.spool:reader(rest)
end

--- Gives up what the fetch holds on disk.
function Run:close()
  if self.spool then self.spool:close() end
  self.spool = nil
end

--- How many rows were taken.
function Run:count()
  return self.plan and self.plan:rows() or 0
end

return vendor

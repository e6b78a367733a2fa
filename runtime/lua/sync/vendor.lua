-- What a resource's `fetch` is given: requests to the vendor, and where its rows go.
--
-- Rows go from the page to COPY text in C (`run:rows`); a row becomes a Lua table only when a script maps it
-- (`run:emit`). What is fetched waits in memory, beyond 2 MB in a spool file, until the whole window is there: the
-- transaction that loads it then lasts seconds, however slow the vendor is.

local errors = require "errors"
local file = require "activity.file"
local files = require "sync.files"
local http = require "activity.http"
local pages = require "pages"
local rate = require "sync.rate"

local SPOOL_BYTES = 2 * 1024 * 1024

local vendor = {}
local Run = {}
Run.__index = Run

--- A fetch of one window.
---@param job table
---@param window table
function vendor.new(job, window)
  local columns = job.resource.columns -- files bring their own
  return setmetatable({ job = job, window = window, plan = columns and pages.plan(columns, { tz = job.source.tz }), requests = 0, bytes = 0,
    source = job.source, kwargs = job.kwargs, tz = job.source.tz }, Run)
end

local function request(run, method, path, options)
  options.url = run.source.base_url .. path
  options.method = method
  rate.take(run.source.limit)
  local reply = http.request(options)
  run.requests = run.requests + 1
  run.bytes = run.bytes + #(reply.body or "")
  return reply
end

--- GET below the source's base URL; options as http.request takes them. Raises typed errors.
function Run:get(path, options)
  return request(self, "GET", path, options or {})
end

--- POST below the source's base URL; options as http.request takes them. Raises typed errors.
function Run:post(path, options)
  return request(self, "POST", path, options or {})
end

--- Raises an error of the given type unless the condition holds.
function Run:require(condition, type, message)
  if not condition then error(errors.ApplicationError { type = type, message = message, non_retryable = true }, 0) end
end

--- A value of a page by its path, without decoding the page: run:value(reply, "paging.next").
function Run:value(reply, path)
  return pages.scalar(reply.body, path)
end

--- Moves rows that are too many for memory to disk.
function Run:spool_rows()
  if self.plan:size() < SPOOL_BYTES then return end
  self.spool = self.spool or file.spool()
  self.spool:write(self.plan:take())
end

--- Takes the rows at `path` of a page by the resource's column paths, all in C.
---@param reply table   what get or post returned
---@param path string   where the list of rows is, "" for the page itself
---@return integer rows
function Run:rows(reply, path)
  local count = self.plan:add(reply.body, path)
  self:spool_rows()
  return count
end

--- Takes one mapped row: a table by column name.
function Run:emit(row)
  self.plan:row(row)
  if self.plan:rows() % 1000 == 0 then self:spool_rows() end
end

--- Takes the window's file as CSV, packed when its name ends in .gz. `read(take)` gives its bytes to take(chunk).
---@param read fun(take: fun(chunk: string))
function Run:csv(read)
  files.csv(self, self.window.file, read)
end

--- What COPY reads: the spool file and what is still in memory, in order.
function Run:chunks()
  local rest = self.plan:take()
  if not self.spool then return rest end
  self.spool:write(rest)
  return self.spool:reader()
end

--- How many rows were taken.
function Run:count()
  return self.plan and self.plan:rows() or 0
end

return vendor

-- Files as windows: which of those that a vendor lists are to be loaded, and from a file's bytes to rows.
--
-- A file's columns are the names of its first line, all text, and behind them _file_name, _file_date (the first
-- date in its name) and _row_id (from 0). The rows go from CSV to COPY text in C.

local dates = require "sync.dates"
local errors = require "errors"
local gunzip = require "native.gunzip"
local json = require "json"
local ledger = require "sync.ledger"
local names = require "sync.names"
local native = require "native.csv"
local pages = require "pages"

local GZIP = 0x1f

local files = { KEY = { "_file_name", "_row_id" } }

local OWN = { { "_file_name", "text!" }, { "_file_date", "text" }, { "_row_id", "int!" } }

--- Raised for a file that can never be loaded as it is. The other files are loaded nevertheless.
local function refuse(file, line, text)
  error(errors.ApplicationError { type = "FileRefused", non_retryable = true, message = ("%s:%d: %s"):format(file.name, line, text) }, 0)
end

-- --- which ---

local function asked_for(file, from, to)
  if not from and not to then return true end
  return file.date and (not from or file.date >= from) and (not to or file.date <= to)
end

--- The windows of a resource of files: those not done, and those that this very run has done in an earlier attempt.
---@param job table
---@param run table  a fetch, for the list
---@param load_id fun(job: table, window: table): string
---@return { windows: table[], backfill: boolean }
function files.plan(job, run, load_id)
  local from, to = job.kwargs.from and dates.check(job.kwargs.from), job.kwargs.to and dates.check(job.kwargs.to)
  local known, list = ledger.known(job.connection, job), {}
  for _, file in ipairs(job.resource.files(run)) do
    file.date = file.name:match "%d%d%d%d%-%d%d%-%d%d"
    local window, row = { file = file, complete = true }, known[file.name]
    window.was = row and row.etag
    local done = row and row.status == "done" and row.etag == file.etag and row.load_id ~= load_id(job, window)
    if not done and asked_for(file, from, to) then list[#list + 1] = window end
  end
  return { windows = list, backfill = false }
end

-- --- rows ---

-- A plan for the columns of a first line.
local function plan_of(file, header, line)
  local list, problem = names.of_header(header)
  if not list then refuse(file, line, problem) end
  local columns, taken = {}, {}
  for i, name in ipairs(list) do columns[i], taken[name] = { name, "text" }, true end
  for _, own in ipairs(OWN) do
    if taken[own[1]] then refuse(file, line, own[1] .. " is a name that every table of files has for itself") end
    columns[#columns + 1] = own
  end
  return pages.plan(columns)
end

local function begin(intake, header, line)
  intake.run.plan = plan_of(intake.file, header, line)
  intake.constants = { intake.file.name, intake.file.date or json.null }
end

-- Takes what the reader has; its errors name the file and the line.
local function advance(intake)
  local run = intake.run
  if not run.plan then
    local row, line = intake.reader:next()
    if not row then return end
    begin(intake, row, line)
  end
  intake.reader:fill(run.plan, intake.constants)
  run:spool_rows()
end

local function guarded(intake, take, ...)
  local ok, problem = pcall(take, ...)
  if ok then return problem end
  local text = errors.is(problem) and problem.type == "VendorError" and problem.message
  local line, why = (text or ""):match "^csv: line (%d+): (.*)"
  if line then refuse(intake.file, tonumber(line), why) end
  local packed = (text or ""):match "^gzip: (.*)"
  if packed then refuse(intake.file, 0, "broken gzip: " .. packed) end
  error(problem, 0)
end

local function take_text(intake, text)
  intake.reader:feed(text)
  advance(intake)
end

local function take_packed(intake, chunk)
  intake.unpacker:feed(chunk)
  for text in intake.unpacker.next, intake.unpacker do take_text(intake, text) end
end

-- Whether a file is packed is seen by its first byte, which no text begins with: it may have been uploaded so under a plain name.
local function take(intake, chunk)
  if not intake.reader then
    if chunk:byte() == GZIP or intake.file.name:lower():find "%.gz$" then intake.unpacker = gunzip.reader() end
    intake.reader = native.reader { header = false }
  end
  return (intake.unpacker and take_packed or take_text)(intake, chunk)
end

local function finish(intake)
  if not intake.reader then return end
  if intake.unpacker then intake.unpacker:finish() end
  intake.reader:finish()
  advance(intake)
end

--- Takes the rows of the window's file. `read` is called with what takes its bytes, chunk by chunk.
---@param run table
---@param file { name: string, date: string? }
---@param read fun(take: fun(chunk: string))
function files.csv(run, file, read)
  local intake = { run = run, file = file }
  read(function(chunk) guarded(intake, take, intake, chunk) end)
  guarded(intake, finish, intake)
  if not run.plan then begin(intake, {}, 1) end
end

return files

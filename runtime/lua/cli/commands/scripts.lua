local errors = require "errors"
local host = require "cli.host"
local json = require "json"
local output = require "cli.output"
local versions = require "cli.versions"

local LIMIT = 500

-- A row of each script as it lies in the folder. Its hash is known by `by_hash`.
local function current(found, by_hash)
  local rows = {}
  for i, script in ipairs(found.scripts) do
    rows[i] = { script = script.entry, types = json.array(script.types), hash = script.hash, state = "active", runs = 0 }
    by_hash[script.hash] = rows[i]
  end
  return rows
end

local function add_refused(rows, found)
  local bad = 0
  for _, change in ipairs(found.changes) do
    if change.why then
      rows[#rows + 1] = { script = change.file, types = json.array {}, state = "refused", reason = change.why, runs = 0 }
      bad = bad + 1
    end
  end
  return bad
end

-- Counts the open runs; what they are on and is not in the folder is an old version.
local function add_held(rows, by_hash, held)
  local unrecorded = 0
  for _, one in ipairs(held) do
    local row = one.hash and by_hash[one.hash]
    if not one.hash then
      unrecorded = unrecorded + one.runs
    elseif not row then
      row = { script = one.entry, types = json.array { one.type }, hash = one.hash, state = "old", runs = 0 }
      rows[#rows + 1], by_hash[one.hash] = row, row
    elseif row.state == "old" and not table.concat(row.types, " "):find(one.type, 1, true) then
      table.insert(row.types, one.type)
    end
    if row then row.runs = row.runs + one.runs end
  end
  return unrecorded
end

local function print_rows(rows)
  local cells = {}
  for i, row in ipairs(rows) do
    cells[i] = { row.state, row.script, row.hash and versions.short(row.hash) or "", row.runs > 0 and row.runs or "",
      table.concat(row.types, ", ") }
  end
  output.table({ "STATE", "SCRIPT", "VERSION", "OPEN RUNS", "DEFINES" }, cells)
  for _, row in ipairs(rows) do
    if row.reason then output.line("refused: %s", row.reason) end
  end
end

local function print_coverage(coverage, unrecorded)
  if coverage.looked < coverage.total then
    output.line("\nlooked at %d of %d open runs, the newest; --limit N looks at more", coverage.looked, coverage.total)
  else
    output.line("\nlooked at %d open runs", coverage.looked)
  end
  if unrecorded > 0 then
    output.line("%d of them record no version: their first task is not done, or another kind of worker does it", unrecorded)
  end
end

return {
  name = "scripts", usage = "scripts [--scripts DIR] [--limit N]", connects = true,
  about = "the scripts with their versions, what is refused, and which versions open runs hold",
  details = "Scripts are read as a worker reads them when it starts; a running worker serves the last good version of a refused\n"
    .. "one. A version is a hash of a script with all that it requires; open runs tell theirs in their history. Without a\n"
    .. "server the folder alone is shown. Exits 1 when a script is refused.",
  options = {
    { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" },
    { name = "limit", value = "N", is = "count", about = ("at most so many open runs are looked at; %d unless given"):format(LIMIT) },
  },
  run = function(given)
    local found, by_hash = host.scripts(given.scripts or "scripts"), {}
    local rows = current(found, by_hash)
    local bad = add_refused(rows, found)
    local ok, held, coverage = pcall(versions.open, given.limit or LIMIT)
    local unrecorded = ok and add_held(rows, by_hash, held) or 0
    print_rows(rows)
    if ok then print_coverage(coverage, unrecorded) else output.note("open runs are not counted: %s", errors.normalize(held).message) end
    output.value { scripts = json.array(rows), open_runs = ok and { looked_at = coverage.looked, total = coverage.total,
      unrecorded = unrecorded } or json.null }
    return bad > 0 and 1 or 0
  end,
}

-- What development mode says of each save: a line a file.
--
--   reloaded workflows/sync_source.lua -> SyncSourceWorkflow@9f3c1a7; 3 open runs stay on 1b2c3d4
--   refused reports/daily.lua:12: unexpected symbol near '}'; the last good version serves

local output = require "cli.output"
local versions = require "cli.versions"

local LOOKED_AT = 100 -- open runs, at most
local SHOWN = 4       -- bundles of one file
local SCHEDULES = "workflows/schedules.lua"

local reloads = {}


-- What the file is part of and others can name.
local function bundles_of(change)
  local names = {}
  for _, bundle in ipairs(change.bundles) do
    if bundle.hash and #bundle.types > 0 then
      names[#names + 1] = ("%s@%s"):format(table.concat(bundle.types, ", "), versions.short(bundle.hash))
    end
  end
  if #names > SHOWN then
    names[SHOWN + 1] = ("and %d more"):format(#names - SHOWN)
    for i = #names, SHOWN + 2, -1 do names[i] = nil end
  end
  return table.concat(names, ", ")
end

local function lost_types(change)
  local types = {}
  for _, bundle in ipairs(change.bundles) do
    for _, name in ipairs(bundle.hash and {} or bundle.types) do types[#types + 1] = name end
  end
  return types
end

-- The open runs of what was replaced, when the server tells.
local function staying(change)
  local types, known = {}, {}
  for _, bundle in ipairs(change.bundles) do
    if bundle.before and bundle.entry:find "^workflows/" then
      known[bundle.before] = true
      for _, name in ipairs(bundle.types) do types[#types + 1] = name end
    end
  end
  if #types == 0 then return "" end
  local ok, held, coverage = pcall(versions.open, LOOKED_AT, types)
  if not ok then return "" end
  local parts = {}
  for _, one in ipairs(held) do
    if one.hash and known[one.hash] then
      parts[#parts + 1] = ("%d open %s on %s"):format(one.runs, one.runs == 1 and "run stays" or "runs stay", versions.short(one.hash))
    end
  end
  if #parts == 0 then return "" end
  local partly = coverage.total > coverage.looked and (" (of %d looked at, %d are open)"):format(coverage.looked, coverage.total)
  return "; " .. table.concat(parts, ", ") .. (partly or "")
end

local function taken(change)
  local bundles = bundles_of(change)
  local text = ("%s %s%s%s"):format(change.kind, change.file, bundles ~= "" and " -> " .. bundles or "", staying(change))
  return change.file == SCHEDULES and text .. "; signalroom schedules apply brings it to the server" or text
end

local function removed(change)
  local types = lost_types(change)
  return ("removed %s%s%s"):format(change.file, #types > 0 and "; new runs have no " .. table.concat(types, ", ") or "", staying(change))
end

local function refused(change)
  local why = change.why:sub(1, #change.file + 1) == change.file .. ":" and change.why or change.file .. ": " .. change.why
  return ("%s %s; %s"):format(change.kind, why, change.serves and "the last good version serves" or "it does not serve")
end

local LINES = { added = taken, reloaded = taken, removed = removed, refused = refused, ["held back"] = refused }

--- The line that a change is told by.
---@param change table as cli/scripts.h has it
---@return string
function reloads.line(change)
  return LINES[change.kind](change)
end

--- Says what became of edited scripts.
---@param changes table[]
function reloads.say(changes)
  for _, change in ipairs(changes) do output.note("%s", reloads.line(change)) end
end

return reloads

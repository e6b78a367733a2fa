-- Questions to vendors and channels, asked at the same time: who does not answer holds up nobody. What they say is told in
-- their order, each as soon as all before it have said theirs.

local errors = require "errors"
local host = require "cli.host"

local PATIENCE = 20 -- seconds, for all of them

local SILENT = "is the address right, is it up?"
local FIXES = {
  NetworkError = SILENT, TimeoutError = SILENT, CancelledError = SILENT,
  RateLimited = "ask again in a minute",
}

local probes = {}

---@alias Say fun(verdict: "ok"|"warn"|"fail", name: string, found: string, fix: string?)

--- Asks; who has not answered in time finds CancelledError raised where it waits.
---@param say Say
---@param questions fun(say: Say)[] they raise nothing
function probes.run(say, questions)
  local told, over, next_up, work = {}, {}, 1, {}
  local function tell()
    while over[next_up] do
      for _, row in ipairs(told[next_up]) do say(unpack(row, 1, 4)) end
      next_up = next_up + 1
    end
  end
  for i, ask in ipairs(questions) do
    told[i] = {}
    work[i] = function()
      ask(function(...) table.insert(told[i], { ... }) end)
      over[i] = true
      tell()
    end
  end
  host.together(work, PATIENCE)
end

--- What is said of an answer that was an error, and what to do about it.
---@param raised any
---@param by_type table<string, string> what to do, by the error's type; [""] otherwise
---@return string found
---@return string fix
function probes.complaint(raised, by_type)
  local err = errors.normalize(raised)
  local found = err.type == "CancelledError" and ("no answer within %d s"):format(PATIENCE) or tostring(err)
  return found, FIXES[err.type] or by_type[err.type] or by_type[""]
end

return probes

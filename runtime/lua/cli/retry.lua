-- The retry policies of the scripts, read from their files: scripts/workflows/retry.lua, and source_retry.lua for a source.

local duration = require "duration"
local errors = require "errors"
local file = require "activity.file"
local host = require "cli.host"

local DEFAULTS = { initial = "1s", factor = 2, max = nil, attempts = 0, never = {} } -- as Temporal has them; 0: for ever
local SHOWN = 12

local retry = {}

local function path_of(scripts, name)
  return ("%s/%s.lua"):format(scripts, name:gsub("%.", "/"))
end

-- Runs a script that only says values; it may require its neighbours.
local function run(scripts, name)
  local path = path_of(scripts, name)
  if not host.exists(path) then
    error(errors.new("NotFoundError", { message = path .. " is not there", non_retryable = true }), 0)
  end
  local chunk, problem = loadstring(file.read(path), "@" .. path)
  if not chunk then error(errors.new("ScriptError", { message = problem, non_retryable = true }), 0) end
  setfenv(chunk, { pairs = pairs, ipairs = ipairs, require = function(other) return run(scripts, other) end })
  return chunk()
end

-- Where it stands: the line that begins so, else the file.
local function line_of(path, pattern)
  local number = 0
  for line in (file.read(path) .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    if line:find(pattern) and not line:find "^%s*%-%-" then return ("%s:%d"):format(path, number) end
  end
end

local function place_of(scripts, source)
  local own = path_of(scripts, "workflows.source_retry")
  local line = source and host.exists(own) and line_of(own, "%f[%w_]" .. source:gsub("%p", "%%%0") .. "%s*=%s*{")
  local common = path_of(scripts, "workflows.retry")
  return line or line_of(common, "^%s*return") or common
end

-- Waits between attempts, in ms: as many as are shown, and how long all of them take, nil when there is no end of them.
local function waits(policy, max_ms)
  local list, total, next_ms = {}, 0, duration.ms(policy.initial, "initial")
  local count = policy.attempts > 0 and policy.attempts - 1 or SHOWN
  for i = 1, count do
    local ms = math.min(next_ms, max_ms)
    if i <= SHOWN then list[i] = ms end
    total, next_ms = total + ms, math.min(next_ms * policy.factor, max_ms)
  end
  return list, policy.attempts > 0 and total or nil, next_ms >= max_ms and (list[#list] or 0) >= max_ms
end

--- The policy of a source, or that of all activities.
---@param scripts string
---@param source string?
---@return { place: string, policy: table, delays_ms: number[], budget_ms: number?, unreachable: boolean }
function retry.read(scripts, source)
  local own = source and host.exists(path_of(scripts, "workflows.source_retry"))
  local given = own and run(scripts, "workflows.source_retry")(source) or run(scripts, "workflows.retry")
  local policy = {}
  for key, value in pairs(DEFAULTS) do policy[key] = value end
  for key, value in pairs(given) do policy[key] = value end
  policy.max = policy.max or duration.ms(policy.initial, "initial") * 100 / 1000
  local delays, budget, reached = waits(policy, duration.ms(policy.max, "max"))
  return { place = place_of(scripts, source), policy = policy, delays_ms = delays, budget_ms = budget, unreachable = not reached }
end

--- Milliseconds for people: "1 s", "0.25 s", "5 min".
---@param ms number
---@return string
function retry.say(ms)
  if ms >= 60000 and ms % 60000 == 0 then return ("%d min"):format(ms / 60000) end
  return ("%g s"):format(ms / 1000)
end

--- The delays for people: "1, 2, 4, 8 s".
---@param delays_ms number[]
---@return string
function retry.list(delays_ms)
  local parts = {}
  for i, ms in ipairs(delays_ms) do parts[i] = retry.say(ms) end
  return table.concat(parts, ", ")
end

return retry

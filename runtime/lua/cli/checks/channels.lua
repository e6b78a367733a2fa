-- Channels: does the vendor of each know its token? And do messages leave at all?

local errors = require "errors"
local file = require "activity.file"
local host = require "cli.host"
local probes = require "cli.checks.probes"
local scripts = require "cli.scripts"

local function is_set(name)
  return (os.getenv(name) or "") ~= "" or (os.getenv(name .. "_FILE") or "") ~= ""
end

local function ask(say, what, channel)
  local ok, found = pcall(channel.probe)
  if ok then return say("ok", what, tostring(found)) end
  say("fail", what, probes.complaint(found, { [""] = ("give the worker the right %s"):format(channel.token) }))
end

local function look(say, name)
  local what, ok, channel = "channel " .. name, pcall(scripts.module, "activities.channels." .. name)
  if not ok then return say("fail", what, errors.normalize(channel).message, "mend the line") end
  if type(channel) ~= "table" or not channel.token then return end
  if not is_set(channel.token) then
    return say("warn", what, "not asked, unset: " .. channel.token, "set it, or send nothing by " .. name)
  end
  if channel.default and not is_set(channel.default) then
    say("warn", what, channel.default .. " is not set", "set it: who gets messages that name nobody")
  end
  if channel.probe then ask(say, what, channel) end
end

--- Asks the vendor of every channel below a folder.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
---@param place { scripts: string }
return function(say, place)
  local folder = place.scripts .. "/activities/channels"
  if not host.exists(folder) then return end
  scripts.root = place.scripts
  local questions = {}
  for _, entry in ipairs(file.list(folder)) do
    local name = entry.name:match "^(.*)%.lua$"
    if name then questions[#questions + 1] = function(answer) look(answer, name) end end
  end
  probes.run(say, questions)
  local environment = os.getenv "SIGNALROOM_ENV" or "development"
  if environment ~= "production" then
    say("ok", "messages", ("are logged and not sent: SIGNALROOM_ENV is %s, not production"):format(environment))
  end
end

-- Texts of templates, by their path below the scripts folder. Whoever loads reports puts the files here first.

local errors = require "errors"
local nearest = require "nearest"

local files = {}

local texts = {}

--- The texts of all templates from now on.
---@param list table<string, string> by path: "reports/daily_ccw.slack.tpl"
function files.set(list)
  texts = list
end

--- The text of a template beside the reports.
---@param name string "daily_ccw.slack.tpl"
---@return string text
---@return string path
function files.read(name)
  local path = "reports/" .. tostring(name)
  if texts[path] then return texts[path], path end
  local names = {}
  for known in pairs(texts) do names[#names + 1] = known:sub(#"reports/" + 1) end
  local close = nearest.word(tostring(name), names)
  error(errors.KeyError(("there is no template %s%s"):format(path, close and ("; did you mean %q?"):format(close) or
    "; templates lie in scripts/reports")), 0)
end

return files

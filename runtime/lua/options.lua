-- Option tables: an unknown key is an error that names the nearest known one, so that a typo never
-- silently means the default.

local mistake = require "mistake"
local nearest = require "nearest"
local sorted_keys = require "sorted_keys"

local M = {}

local function refuse(options, known, what)
  local unknown = {}
  for key in pairs(options) do
    if known[key] == nil then unknown[key] = true end
  end
  local word, words = sorted_keys(unknown)[1], sorted_keys(known)
  local meant = nearest.word(word, words)
  mistake(("%s has no option %q; %s"):format(what, word,
    meant and ("did you mean %q?"):format(meant) or "it takes " .. table.concat(words, ", ")))
end

--- Raises when `options` has a key that `known` has not.
---@param options table
---@param known table set of words
---@param what string who takes the options: "workflow.call"
function M.check(options, known, what)
  if type(options) ~= "table" then
    mistake(("the options of %s must be a table, not a %s"):format(what, type(options)))
  end
  for key in next, options do
    if known[key] == nil then refuse(options, known, what) end
  end
end

return M

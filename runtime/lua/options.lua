-- Option tables: an unknown key is an error that names the nearest known one, so that a typo never
-- silently means the default.

local M = {}

-- Levenshtein distance, given up beyond `limit`.
local function distance(a, b, limit)
  if math.abs(#a - #b) > limit then return limit + 1 end
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local corner
    corner, row[0] = row[0], i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      corner, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, corner + cost)
    end
  end
  return row[#b]
end

--- The known word nearest to `word`, nil when none is near.
---@param word string
---@param known table set of words
---@return string|nil
function M.nearest(word, known)
  local best, best_distance
  for candidate in pairs(known) do
    local d = distance(word, candidate, 3)
    if d <= 3 and (not best or d < best_distance or (d == best_distance and candidate < best)) then
      best, best_distance = candidate, d
    end
  end
  return best
end

--- The words of a set, sorted, for error texts.
---@param known table
---@return string
function M.words(known)
  local words = {}
  for word in pairs(known) do words[#words + 1] = word end
  table.sort(words)
  return table.concat(words, ", ")
end

local function refuse(options, known, what)
  local unknown = {}
  for key in pairs(options) do
    if known[key] == nil then unknown[#unknown + 1] = tostring(key) end
  end
  table.sort(unknown)
  local nearest = M.nearest(unknown[1], known)
  error(("%s has no option %q; %s"):format(what, unknown[1],
    nearest and ("did you mean %q?"):format(nearest) or "it takes " .. M.words(known)), 0)
end

--- Raises when `options` has a key that `known` has not.
---@param options table
---@param known table set of words
---@param what string who takes the options: "workflow.call"
function M.check(options, known, what)
  if type(options) ~= "table" then
    error(("the options of %s must be a table, not a %s"):format(what, type(options)), 0)
  end
  for key in next, options do
    if known[key] == nil then refuse(options, known, what) end
  end
end

return M

-- "Did you mean": the word of a list that is nearest to a misspelt one.

local nearest = {}

local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and diagonal or 1 + math.min(diagonal, row[j], row[j - 1])
      diagonal, row[j] = row[j], cost
    end
  end
  return row[#b]
end

--- The nearest word, nil when none is near enough to be meant.
---@param word string
---@param list string[]
---@return string?
function nearest.word(word, list)
  local best, least = nil, math.min(math.max(2, math.floor(#word / 3)) + 1, #word) -- a letter at least stays
  for _, candidate in ipairs(list) do
    local d = distance(word, candidate)
    if d < least then best, least = candidate, d end
  end
  return best
end

return nearest

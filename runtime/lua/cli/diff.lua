-- Two texts, line by line: what they share, what only one has.

-- lengths[i][j]: of the longest common part of a from i and b from j.
local function lengths_of(a, b)
  local lengths = {}
  for i = #a + 1, 1, -1 do
    lengths[i] = {}
    for j = #b + 1, 1, -1 do
      if i > #a or j > #b then lengths[i][j] = 0
      elseif a[i] == b[j] then lengths[i][j] = lengths[i + 1][j + 1] + 1
      else lengths[i][j] = math.max(lengths[i + 1][j], lengths[i][j + 1]) end
    end
  end
  return lengths
end

local function lines_of(text)
  local list = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do list[#list + 1] = line end
  return list
end

--- The lines of both in order, each with "  ", "- " (only in the first) or "+ " in front.
---@param first string
---@param second string
---@return string[] lines
---@return boolean same
return function(first, second)
  local a, b = lines_of(first), lines_of(second)
  local lengths, out, i, j = lengths_of(a, b), {}, 1, 1
  while i <= #a or j <= #b do
    if i <= #a and j <= #b and a[i] == b[j] then
      out[#out + 1] = "  " .. a[i]
      i, j = i + 1, j + 1
    elseif j > #b or (i <= #a and lengths[i + 1][j] >= lengths[i][j + 1]) then
      out[#out + 1] = "- " .. a[i]
      i = i + 1
    else
      out[#out + 1] = "+ " .. b[j]
      j = j + 1
    end
  end
  return out, first == second
end

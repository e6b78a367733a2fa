-- What a table knows, in the same order each time: for messages, and for loops whose order shows.

--- The keys of a table as texts, sorted.
---@param map table
---@return string[]
return function(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = tostring(key) end
  table.sort(list)
  return list
end

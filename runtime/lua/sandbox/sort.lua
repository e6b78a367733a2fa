-- table.sort as a merge sort: stable, never quadratic, and its comparator may wait. The list changes only
-- when all is sorted, so an error in the comparator leaves it as it was.

local RUN = 8 -- shorter runs are sorted by insertion

local function less_than(a, b) return a < b end

local function insert(items, less, low, high)
  for i = low + 1, high do
    local item, j = items[i], i - 1
    while j >= low and less(item, items[j]) do
      items[j + 1] = items[j]
      j = j - 1
    end
    items[j + 1] = item
  end
end

-- Merges [low, middle] and [middle + 1, high] of `from` into `to`.
local function merge(from, to, less, low, middle, high)
  local left, right = low, middle + 1
  for i = low, high do
    if right > high or (left <= middle and not less(from[right], from[left])) then
      to[i], left = from[left], left + 1
    else
      to[i], right = from[right], right + 1
    end
  end
end

local function sorted(items, n, less)
  for low = 1, n, RUN do insert(items, less, low, math.min(low + RUN - 1, n)) end
  local other, width = {}, RUN
  while width < n do
    for low = 1, n, 2 * width do
      merge(items, other, less, low, math.min(low + width - 1, n), math.min(low + 2 * width - 1, n))
    end
    items, other, width = other, items, 2 * width
  end
  return items
end

--- Sorts a list in place.
---@param list table
---@param less? fun(a: any, b: any): boolean default: a < b
return function(list, less)
  if type(list) ~= "table" then error(("bad argument #1 to 'sort' (table expected, got %s)"):format(type(list)), 2) end
  if less ~= nil and type(less) ~= "function" then
    error(("bad argument #2 to 'sort' (function expected, got %s)"):format(type(less)), 2)
  end
  local n, items = #list, {}
  for i = 1, n do items[i] = rawget(list, i) end
  items = sorted(items, n, less or less_than)
  for i = 1, n do rawset(list, i, items[i]) end
end

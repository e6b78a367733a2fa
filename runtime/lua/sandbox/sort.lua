-- table.sort as a merge sort: stable, never quadratic, and its comparator may wait. The list changes only
-- when all is sorted, so an error in the comparator leaves it as it was. Without a comparator `less` is
-- nil and `<` needs no call.

local RUN = 6 -- shorter runs are sorted by insertion

local function insert(items, less, low, high)
  for i = low + 1, high do
    local item, j = items[i], i - 1
    while j >= low do
      local other = items[j]
      local before
      if less then before = less(item, other) else before = item < other end
      if not before then break end
      items[j + 1], j = other, j - 1
    end
    items[j + 1] = item
  end
end

-- Merges [low, middle] and [middle + 1, high] of `from` into `to`.
local function merge(from, to, less, low, middle, high)
  local left, right, at = low, middle + 1, low
  while left <= middle and right <= high do
    local a, b = from[left], from[right]
    local after
    if less then after = less(b, a) else after = b < a end
    if after then
      to[at], right = b, right + 1
    else
      to[at], left = a, left + 1
    end
    at = at + 1
  end
  for i = left, middle do to[at + i - left] = from[i] end
  for i = right, high do to[i] = from[i] end
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
  items = sorted(items, n, less)
  for i = 1, n do rawset(list, i, items[i]) end
end

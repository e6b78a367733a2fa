-- Names as the old system made them (dlt's snake_case), so that existing tables and queries go on.

local names = {}

local REDUCED = { ["+"] = "x", ["*"] = "x", ["-"] = "_", ["@"] = "a", ["|"] = "l" }

--- A column's name from a vendor's: "Click ID" is click_id, "CamelCase" camel_case, "7 days" _7_days, "Total (USD)" total_usdx.
---@param text string
---@return string
function names.snake(text)
  local name = text:match "^%s*(.-)%s*$":gsub("[+*@|-]", REDUCED):gsub("[^%w_]+", "_")
  name = name:gsub("([^_])([A-Z][a-z]+)", "%1_%2"):gsub("([a-z0-9])([A-Z])", "%1_%2"):lower()
  if name:find "^%d" then name = "_" .. name end
  name = name:gsub("_+$", function(tail) return ("x"):rep(#tail) end)
  return (name:gsub("__+", "_"))
end

--- The columns' names from a first line; nil and what is wrong when a column would have none, or another's.
---@param header any[]
---@return string[]? names
---@return string? problem
function names.of_header(header)
  local list, place = {}, {}
  for i, text in ipairs(header) do
    local name = names.snake(tostring(text))
    if name == "" then return nil, ("column %d has no name"):format(i) end
    if place[name] then return nil, ("columns %d and %d are both named %s"):format(place[name], i, name) end
    place[name], list[i] = i, name
  end
  return list
end

--- A table's name from a folder's: "orders-create/" is orders_create.
---@param folder string
---@return string
function names.of_folder(folder)
  return (folder:gsub("[-/]", "_"):match "^_*(.-)_*$")
end

return names

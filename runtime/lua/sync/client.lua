-- Whose numbers there are. Every row carries one of these names as _client_id: the runtime writes it, never a script.
--
--     clients { ["713"] = { about = "active" }, cti = { about = "ClayTargetInstruction, planned" } }

local errors = require "errors"
local options = require "options"
local sorted_keys = require "sorted_keys"

local KNOWN = { about = true }

local client = { DEFAULT = "713" }

local declared = {}

--- Declares the clients: a table by name.
---@param list table<string, { about: string? }>
function client.declare(list)
  for name, about in pairs(list) do
    if type(name) ~= "string" or not name:find "^[%w_-]+$" then error("clients: a name is of letters, digits, - and _", 2) end
    options.check(about, KNOWN, ("client %q"):format(name))
    if declared[name] then error(("client %q is declared twice"):format(name), 2) end
    declared[name] = about
  end
end

--- Forgets all clients.
function client.forget()
  for name in pairs(declared) do declared[name] = nil end
end

local function includes(list, name)
  for _, one in ipairs(list) do
    if one == name then return true end
  end
  return false
end

--- The name of a client. Raises KeyError for one that is not declared, where any is.
---@param name string
---@return string
function client.check(name)
  if next(declared) and not declared[name] then
    error(errors.KeyError(("Unknown client: %s. Known: %s"):format(name, table.concat(sorted_keys(declared), ", "))), 0)
  end
  return name
end

--- Whether clients were declared.
---@return boolean
function client.any()
  return next(declared) ~= nil
end

--- Whose rows a run brings: the client asked for, else the source's own. Raises KeyError for one that is not known, or
--- that the source has no account of.
---@param source table
---@param asked string?
---@return string
function client.choose(source, asked)
  local name = client.check(tostring(asked or source.client))
  if not includes(source.clients, name) then
    error(errors.KeyError(("source %s has no client %s; it has %s"):format(source.name, name, table.concat(source.clients, ", "))), 0)
  end
  return name
end

--- The name of a client's secret: that of the source's own client is NAME, another one's NAME_CLIENT. There is no falling
--- back: one client's numbers must never be loaded under another one's name.
---@param source table
---@param whose string  the client
---@param name string
---@return string
function client.secret_name(source, whose, name)
  if whose == source.client then return name end
  return name .. "_" .. whose:upper():gsub("%-", "_")
end

return client

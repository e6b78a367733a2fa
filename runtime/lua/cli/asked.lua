-- Which settings the scripts ask for: every `setting "NAME"` and `secret "NAME"` in their text.

local file = require "activity.file"
local host = require "cli.host"

local PATTERNS = { { 'setting%s*%(?%s*"([A-Z][A-Z0-9_]+)"', false }, { 'secret%s*%(?%s*"([A-Z][A-Z0-9_]+)"', true } }

local function read_script(names, path)
  local text = file.read(path)
  for _, row in ipairs(PATTERNS) do
    for name in text:gmatch(row[1]) do names[name] = names[name] or { path = path, secret = row[2] } end
  end
end

local function read(names, folder)
  if not host.exists(folder) then return names end
  for _, entry in ipairs(file.list(folder)) do
    local path = folder .. "/" .. entry.name
    if entry.kind == "folder" then
      read(names, path)
    elseif path:sub(-4) == ".lua" then
      read_script(names, path)
    end
  end
  return names
end

--- The settings that scripts below a folder ask for, by name.
---@param folder string
---@return table<string, { path: string, secret: boolean }>
return function(folder)
  return read({}, folder)
end

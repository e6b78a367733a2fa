local absent = require "cli.absent"
local file = require "activity.file"
local host = require "cli.host"
local json = require "json"
local output = require "cli.output"
local versions = require "cli.versions"

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do lines[#lines + 1] = line end
  return lines
end

-- The comment that ends above line `at`.
local function comment_above(lines, at)
  local from = at
  while from > 1 and lines[from - 1]:find "^%-%-" do from = from - 1 end
  local words = {}
  for i = from, at - 1 do words[#words + 1] = (lines[i]:gsub("^%-+%s?", "")) end
  return words
end

local function line_of(lines, workflow_type)
  for i, line in ipairs(lines) do
    local _, stop, name = line:find "^%s*workflow%s*%(?%s*[\"']([^\"']+)[\"']"
    if stop and name == workflow_type then return i end
  end
end

-- What a script says of a type: the comment above its definition, else the one that opens the file.
local function documented(lines, workflow_type)
  local at = line_of(lines, workflow_type)
  local words = at and comment_above(lines, at) or {}
  if #words > 0 then return words end
  local last = 1
  while lines[last] and lines[last]:find "^%-%-" do last = last + 1 end
  return comment_above(lines, last)
end

local function describe(root)
  local list = {}
  for _, script in ipairs(host.scripts(root).scripts) do
    if script.entry:find "^workflows/" and #script.types > 0 then
      local lines = lines_of(file.read(root .. "/" .. script.entry))
      for _, name in ipairs(script.types) do
        list[#list + 1] = { workflow_type = name, script = script.entry, hash = script.hash, about = documented(lines, name) }
      end
    end
  end
  table.sort(list, function(a, b) return a.workflow_type < b.workflow_type end)
  return list
end

return {
  name = "workflows", usage = "workflows [NAME] [--scripts DIR]", most = 1,
  about = "the workflow types of the scripts, with what their comments say of them",
  details = "The comment above `workflow \"NAME\"`, or at the top of its file, is the place to say what the workflow takes.",
  options = {
    { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" },
  },
  run = function(given, rest)
    local list, names = json.array {}, {}
    for i, one in ipairs(describe(given.scripts or "scripts")) do
      names[i] = one.workflow_type
      if not rest[1] or one.workflow_type == rest[1] then
        list[#list + 1] = one
        output.line("%s  %s@%s", one.workflow_type, one.script, versions.short(one.hash))
        for _, line in ipairs(one.about) do output.line("  %s", line) end
      end
      one.about = table.concat(one.about, "\n")
    end
    if rest[1] and #list == 0 then absent("workflow", rest[1], names, "workflows") end
    output.value { workflows = list }
  end,
}

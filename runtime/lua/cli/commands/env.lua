local asked = require "cli.asked"
local host = require "cli.host"
local json = require "json"
local nearest = require "nearest"
local output = require "cli.output"
local rpc = require "rpc"
local settings = require "settings"
local sorted_keys = require "sorted_keys"

local MASK = "***"
local OURS = { "^TEMPORAL_", "^SIGNALROOM_" }

-- --- what there is ---

-- Every setting: those of the registry, and what else the scripts ask for.
local function all(scripts)
  local groups, known = {}, {}
  for i, group in ipairs(settings) do
    groups[i] = group
    for _, one in ipairs(group) do known[one.name] = one end
  end
  local more, names = { about = "Of your scripts" }, {}
  for name, about in pairs(asked(scripts)) do
    if not known[name] then names[#names + 1] = { name = name, secret = about.secret, about = "asked for in " .. about.path } end
  end
  table.sort(names, function(a, b) return a.name < b.name end)
  for i, one in ipairs(names) do more[i], known[one.name] = one, one end
  if #more > 0 then groups[#groups + 1] = more end
  return groups, known
end

local function is_set(name)
  local value = os.getenv(name)
  return value ~= nil and value ~= "" and value or nil
end

-- Value and origin of a setting: the environment, a file, the profile of temporal.toml, or the default.
local function found(one, profile)
  local value = is_set(one.name)
  if value then return value, "environment" end
  local path = one.secret and is_set(one.name .. "_FILE")
  if path then return path, "file" end
  if profile[one.name] then return profile[one.name], "temporal.toml" end
  if one.default then return one.default, "default" end
end

local function shown(one, profile)
  local value, origin = found(one, profile)
  if one.secret and origin ~= "file" and value then value = MASK end
  return { name = one.name, value = value, origin = origin or "not set", secret = one.secret or false, about = one.about,
    default = one.default }
end

-- A setting of another client: EVERFLOW_API_KEY_CTI. Such a name is set, or it would not be found.
local function of_clients(known)
  local list = {}
  for _, name in ipairs(host.environment()) do
    local base = name:match "^(.*)_[A-Z0-9]+$"
    local one = base and known[base]
    if one and one.secret and not known[name] and not name:find "_FILE$" then
      list[#list + 1] = { name = name, secret = true, about = "a client's own " .. base }
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

-- --- what is wrong ---

local function is_known(name, known)
  if known[name] or name:find "^TEMPORAL_GRPC_META_" then return true end
  local base = name:match "^(.*)_FILE$"
  return base ~= nil and known[base] ~= nil and known[base].secret == true
end

local function strangers(known)
  local list, words = {}, sorted_keys(known)
  for _, name in ipairs(host.environment()) do
    for _, pattern in ipairs(OURS) do
      if name:find(pattern) and not is_known(name, known) then
        list[#list + 1] = { name = name, meant = nearest.word(name, words) }
      end
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

-- --- saying it ---

local function markdown()
  output.line "# Settings\n\nMade by `signalroom env --markdown`. All come from the environment; those of Temporal also from temporal.toml"
  output.line "([connection.md](connection.md)). A secret may lie in a file: `NAME_FILE` names it. `signalroom env` shows what holds here,"
  output.line "and names variables that nothing reads. Keys of a client other than the source's own end with its name:"
  output.line "`EVERFLOW_API_KEY_CTI` ([sources.md](sources.md))."
  for _, group in ipairs(settings) do
    output.line("\n## %s\n\n| variable | default | |\n|---|---|---|", group.about)
    for _, one in ipairs(group) do
      output.line("| `%s` | %s | %s%s |", one.name, one.default and ("`%s`"):format(one.default) or "", one.about,
        one.secret and " (secret)" or "")
    end
  end
end

local function print_groups(groups)
  for _, group in ipairs(groups) do
    output.line("%s", group.about)
    local rows = {}
    for i, one in ipairs(group) do rows[i] = { "  " .. one.name, one.value or "", one.origin, one.about } end
    output.table({ "  NAME", "VALUE", "ORIGIN", "" }, rows)
    output.line ""
  end
end

local function print_strangers(list)
  for _, one in ipairs(list) do
    output.line("unknown: %s%s", one.name, one.meant and ("; did you mean %s?"):format(one.meant) or "")
  end
end

return {
  name = "env", usage = "env [--scripts DIR]",
  about = "every setting, what it is here, and where that comes from",
  details = "Secrets show as ***. Variables that begin with TEMPORAL_ or SIGNALROOM_ and that nothing reads are named at the end.",
  options = {
    { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" },
    { name = "profile", value = "NAME", about = "profile of temporal.toml (TEMPORAL_PROFILE)" },
    { name = "config-file", value = "FILE", about = "another temporal.toml (TEMPORAL_CONFIG_FILE)" },
    { name = "markdown", about = "print docs/settings.md" },
  },
  run = function(given)
    if given.markdown then return markdown() end
    local groups, known = all(given.scripts or "scripts")
    local profile = rpc.profile { profile = given.profile, config_file = given.config_file }
    local clients, list, sections = of_clients(known), {}, {}
    if #clients > 0 then
      clients.about = "Of clients"
      groups[#groups + 1] = clients
    end
    for i, group in ipairs(groups) do
      sections[i] = { about = group.about }
      for j, one in ipairs(group) do
        sections[i][j] = shown(one, profile)
        list[#list + 1] = sections[i][j]
      end
    end
    local unknown = strangers(known)
    print_groups(sections)
    print_strangers(unknown)
    output.value { settings = json.array(list), unknown = json.array(unknown) }
  end,
}

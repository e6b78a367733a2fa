-- `:help NAME`: the comment above a function, wherever it is: a word of the REPL, a library function in Lua, or what
-- runtime/lua/meta says of one in C.

local host = require "cli.host"

local help = {}

local INTRODUCTION = [[
Type Lua: an expression shows its value, an assignment stays, _ is the last value. Tab completes, Ctrl-C ends the
statement, Ctrl-D leaves.

%s

Also at hand: http, pg, file, json, csv, crypto, s3, zone, log, secret, setting, as in activities.
Commands: %s
More: :help trigger, :help http.get, docs/repl.md]]

-- The comment that ends right above the line where `function NAME(` stands, and that line.
local function above(text, name)
  local comment = {}
  for line in text:gmatch "([^\n]*)\n" do
    local said = line:match "^%-%-%-%s?(.*)$"
    if said then
      comment[#comment + 1] = said
    else
      local arguments = line:match("^function " .. name:gsub("%p", "%%%0") .. "(%b())") or
        line:match("^local function " .. name:gsub("%p", "%%%0") .. "(%b())")
      if arguments then return comment, arguments end
      comment = {}
    end
  end
end

local TAG = { param = "  %s", ["return"] = "  gives %s" }

local function page(name, comment, arguments)
  local lines, tagged = { name .. arguments }, false
  for _, line in ipairs(comment) do
    local kind, rest = line:match "^@(%l+)%s+(.*)$"
    if kind and not tagged then lines[#lines + 1] = "" end
    tagged = tagged or kind ~= nil
    if not kind then lines[#lines + 1] = (tagged and "    " or "  ") .. line end
    if TAG[kind] then lines[#lines + 1] = TAG[kind]:format(rest) end
  end
  for i, line in ipairs(lines) do lines[i] = line:gsub("%s+$", "") end
  return table.concat(lines, "\n")
end

-- Where a function of this name may be described: module, name there.
local function places(name)
  local library, last = name:match "^(%w+)[.:](%w+)$"
  if not library then return { { "cli.repl.words", "words." .. name }, { "meta.secret", name }, { "meta.errors", name } } end
  return { { "activity." .. library, library .. "." .. last }, { "meta." .. library, library .. "." .. last },
    { "activity.pg", "Connection:" .. last }, { "workflow.api", "api." .. last } }
end

local function find(name)
  for _, place in ipairs(places(name)) do
    local text = host.library_text(place[1])
    local comment, arguments = above(text or "", place[2])
    if comment then return page(name, comment, arguments) end
  end
end

local function summary(names)
  local lines = {}
  local text = host.library_text "cli.repl.words"
  for _, name in ipairs(names) do
    local comment = above(text, "words." .. name)
    if comment then lines[#lines + 1] = ("  %-10s %s"):format(name, comment[1]:match "^[^.;:]+") end
  end
  return table.concat(lines, "\n")
end

--- The help text of a name, or of the whole.
---@param name string? nil: the introduction
---@param words string[] the REPL's own, in their order
---@param commands string
---@return string
function help.text(name, words, commands)
  if not name then return INTRODUCTION:format(summary(words), commands) end
  return find(name) or ("nothing is known about %s; :help alone lists what there is"):format(name)
end

return help

-- Command lines: `parse(spec, words)` turns words into a table of options and a list of the rest.
--
-- An option is { name = "wait", short = "w", about = "..." }, a switch unless it has `value = "NAME"`; `many = true`
-- collects every following word up to the next option. `is` says what the value must be, `choices` which words it may be.
-- What is not known is an error that names the nearest.

local duration = require "duration"
local nearest = require "nearest"

local options = {}

local function usage_error(format, ...)
  error({ usage = format:format(...) }, 0)
end

local function find(spec, key, by)
  for _, option in ipairs(spec) do
    if option[by] == key then return option end
  end
end

local function names(spec)
  local list = {}
  for i, option in ipairs(spec) do list[i] = "--" .. option.name end
  return list
end

local function lookup(spec, word)
  local long, value = word:match "^%-%-([%w-]+)=(.*)$"
  long = long or word:match "^%-%-([%w-]+)$"
  local option = long and find(spec, long, "name") or not long and find(spec, word:sub(2), "short")
  if not option then
    local close = nearest.word(long and "--" .. long or word, names(spec))
    usage_error("no such option: %s%s", word, close and ("; did you mean %s?"):format(close) or "")
  end
  return option, value
end

local function whole(least)
  return function(word)
    local number = tonumber(word)
    return number and number >= least and number % 1 == 0 and number < 2 ^ 31 and number or nil
  end
end

-- What a value may have to be: how that is said, and what makes it of a word; nil when the word is none.
local KINDS = {
  count = { "a whole number above 0", whole(1) },
  whole = { "a whole number", whole(0) },
  duration = { "a duration such as 30m, 1h or 2d", function(word)
    return not tonumber(word) and pcall(duration.ms, word) and word or nil
  end },
}

local function chosen(option, word)
  for _, choice in ipairs(option.choices) do
    if word:lower() == choice:lower() then return choice end
  end
  local close = nearest.word(word, option.choices)
  usage_error("--%s is one of %s, not %s%s", option.name, table.concat(option.choices, ", "), word,
    close and ("; did you mean %s?"):format(close) or "")
end

local function checked(option, word)
  if option.choices then return chosen(option, word) end
  if not option.is then return word end
  local said, made = KINDS[option.is][1], KINDS[option.is][2](word)
  return made or usage_error("--%s wants %s, not %s", option.name, said, word)
end

-- Said twice, both count.
local function joined(list, more)
  list = list or {}
  for _, word in ipairs(more) do list[#list + 1] = word end
  return list
end

local function take_many(words, i)
  local list = {}
  while words[i + 1] and words[i + 1]:sub(1, 1) ~= "-" do
    i = i + 1
    list[#list + 1] = words[i]
  end
  return list, i
end

--- Parses words against a spec.
---@param spec table[]
---@param words string[]
---@return table<string, any> given  by name with "-" as "_"
---@return string[] rest             words that are no options
---@return string[]? behind          those behind "--"
function options.parse(spec, words)
  local given, rest, i = {}, {}, 1
  while words[i] do
    local word = words[i]
    if word == "--" then
      return given, rest, { unpack(words, i + 1) }
    elseif word:sub(1, 1) ~= "-" or word == "-" then
      rest[#rest + 1] = word
    else
      local option, value = lookup(spec, word)
      local key = option.name:gsub("-", "_")
      if option.many and not value then
        value, i = take_many(words, i)
      elseif option.value and not value then
        i = i + 1
        value = words[i]
      end
      if option.value and (not value or #value == 0) then usage_error("--%s wants a value: %s", option.name, option.value) end
      if option.many and type(value) == "string" then value = { value } end
      if not option.value and value then usage_error("--%s takes no value", option.name) end
      if type(value) == "string" then value = checked(option, value) end
      given[key] = option.many and joined(given[key], value) or value or true
    end
    i = i + 1
  end
  return given, rest
end

local function label(option)
  local text = (option.short and "-" .. option.short .. ", " or "    ") .. "--" .. option.name
  return option.value and text .. " " .. option.value or text
end

--- The lines that help prints for a spec.
---@param spec table[]
---@return string[]
function options.describe(spec)
  local width, lines = 0, {}
  for _, option in ipairs(spec) do width = math.max(width, #label(option)) end
  for i, option in ipairs(spec) do lines[i] = ("  %-" .. width .. "s  %s"):format(label(option), option.about) end
  return lines
end

return options

local exits = require "cli.exits"
local host = require "cli.host"
local manual = require "cli.manual"
local json = require "json"
local nearest = require "nearest"
local output = require "cli.output"

-- In the order in which a newcomer reads them; each is docs/guide/NAME.md.
local CHAPTERS = { "concepts", "architecture", "design", "activities", "sandbox", "retry", "schedules", "debug", "stuck" }

local function summary(command)
  return { name = command.name, about = command.about, usage = command.usage }
end

local function front(commands)
  output.line "SignalRoom: vendors' numbers into Postgres, and reports of them, on durable schedules.\n"
  output.line "Usage: signalroom COMMAND [ARGUMENTS] [OPTIONS]\n"
  local list = {}
  for i, command in ipairs(commands) do
    output.line("  %-11s %s", command.name, command.about)
    list[i] = summary(command)
  end
  output.line("\nChapters (signalroom help NAME): %s.", table.concat(CHAPTERS, ", "))
  output.line "\nEach command has --help and --json. Exit codes:"
  for _, row in ipairs(exits.MEANINGS) do output.line("  %-6s %s", row[1], row[2]) end
  output.value { commands = list, chapters = CHAPTERS }
end

local function named(list, name)
  for _, entry in ipairs(list) do
    if entry.name == name then return entry end
  end
end

local function unknown(name, commands)
  local names = {}
  for i, command in ipairs(commands) do names[i] = command.name end
  for _, chapter in ipairs(CHAPTERS) do names[#names + 1] = chapter end
  local close = nearest.word(name, names)
  error({ usage = ("no such command or chapter: %s%s"):format(name, close and ("; did you mean %s?"):format(close) or "") }, 0)
end

-- A name may be both: `schedules` is a command and a chapter about it.
local function about(name, main)
  local command, chapter = named(main.commands(), name), host.guide()[name]
  if not command and not chapter then unknown(name, main.commands()) end
  local value = command and summary(command) or { name = name }
  if command then
    output.line("%s", main.help_of(command))
    value.options = main.options_of(command)
  end
  if command and chapter then output.line "" end
  if chapter then output.line("%s", chapter) end
  value.chapter = chapter
  output.value(value)
end

return {
  name = "help", usage = "help [COMMAND | CHAPTER]", least = 0, most = 1, completes = "topics",
  about = "what there is, all about one command, or a chapter of the guide",
  options = { { name = "man", about = "print the man page" } },
  run = function(given, rest, main)
    if given.man then
      local page = manual.page(main, host.version().signalroom)
      host.write(1, output.as_json and json.encode { man = page } .. "\n" or page)
    elseif rest[1] then
      about(rest[1], main)
    else
      front(main.commands())
    end
  end,
}

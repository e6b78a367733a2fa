local output = require "cli.output"

return {
  name = "help", usage = "help [COMMAND]", least = 0, most = 1,
  about = "what there is, or all about one command",
  run = function(_, rest, main)
    local commands = main.commands()
    for _, command in ipairs(commands) do
      if command.name == rest[1] then
        output.line("%s", main.help_of(command))
        output.value { name = command.name, about = command.about, usage = command.usage, options = main.options_of(command) }
        return
      end
    end
    if rest[1] then error({ usage = "no such command: " .. rest[1] }, 0) end
    output.line "SignalRoom: vendors' numbers into Postgres, and reports of them, on durable schedules.\n"
    output.line "Usage: signalroom COMMAND [ARGUMENTS] [OPTIONS]\n"
    local list = {}
    for i, command in ipairs(commands) do
      output.line("  %-11s %s", command.name, command.about)
      list[i] = { name = command.name, about = command.about, usage = command.usage }
    end
    output.line "\nEach has --help and --json. Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration, 4 unreachable,"
    output.line "5 not found, 6 running already, 7 refused, 124 timed out, 130 interrupted."
    output.value { commands = list }
  end,
}

local output = require "cli.output"

local function words(main)
  local names = {}
  for i, command in ipairs(main.commands()) do names[i] = command.name end
  return table.concat(names, " ")
end

local function cases(main)
  local lines = {}
  for i, command in ipairs(main.commands()) do
    local flags = {}
    for j, option in ipairs(main.options_of(command)) do flags[j] = "--" .. option.name end
    lines[i] = ("    %s) words=%q ;;"):format(command.name, table.concat(flags, " "))
  end
  return table.concat(lines, "\n")
end

local BASH = [[
_signalroom() {
  local words=%q
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "${COMP_WORDS[1]}" in
%s
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _signalroom signalroom]]

return {
  name = "completion", usage = "completion bash|zsh", least = 1,
  about = "a script for tab completion: source <(signalroom completion bash)",
  run = function(_, rest, main)
    if rest[1] ~= "bash" and rest[1] ~= "zsh" then error({ usage = "completion knows bash and zsh" }, 0) end
    local script = BASH:format(words(main), cases(main))
    if rest[1] == "zsh" then script = "autoload -U +X bashcompinit && bashcompinit\n" .. script end
    output.line("%s", script)
    output.value { shell = rest[1], script = script }
  end,
}

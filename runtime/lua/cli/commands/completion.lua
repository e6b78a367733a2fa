local completion = require "cli.completion"
local json = require "json"
local output = require "cli.output"

-- A colon begins a new word for bash, so what stands before the last one must not be repeated.
local BASH = [=[
_signalroom() {
  local line typed=${COMP_LINE:0:COMP_POINT}
  local -a words
  read -r -a words <<<"$typed"
  [[ $typed == *[[:space:]] ]] && words+=("")
  local last=${words[${#words[@]}-1]}
  local before=${last%"${last##*:}"}
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("${line#"$before"}")
  done < <("${COMP_WORDS[0]}" completion --at -- "${words[@]:1}" 2>/dev/null | cut -f 1)
}
complete -o default -F _signalroom signalroom]=]

local ZSH = [=[
#compdef signalroom
_signalroom() {
  local line
  local -a found
  for line in "${(@f)$("${words[1]}" completion --at -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#found )); then _describe signalroom found; else _files; fi
}
if [[ ${funcstack[1]} == _signalroom ]]; then _signalroom; else compdef _signalroom signalroom; fi]=]

local SCRIPTS = { bash = BASH, zsh = ZSH }

local function at_cursor(words, main)
  local list = completion.at(main, words)
  for _, candidate in ipairs(list) do output.line("%s\t%s", candidate.word, output.brief(candidate.about or "")) end
  output.value { candidates = json.array(list) }
end

return {
  name = "completion", usage = "completion bash|zsh", least = 0, most = 1, takes_command = true, completes = { { "bash", "zsh" } },
  about = "a script for tab completion: source <(signalroom completion bash)",
  details = "Completes commands, options, and by asking: runs, schedules, sources and reports.",
  options = { { name = "at", about = "what the scripts ask: what may stand in the place of the last word after --" } },
  run = function(given, rest, main)
    if given.at then return at_cursor(given.command or {}, main) end
    local script = SCRIPTS[rest[1]]
    if not script then error({ usage = "completion knows bash and zsh" }, 0) end
    output.line("%s", script)
    output.value { shell = rest[1], script = script }
  end,
}

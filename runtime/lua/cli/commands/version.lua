local output = require "cli.output"

return {
  name = "version", usage = "version", about = "which build this is",
  run = function()
    local version = system.version()
    output.line("signalroom %s (%s)", version.signalroom, version.lua)
    output.value(version)
  end,
}

local host = require "cli.host"
local output = require "cli.output"

return {
  name = "version", usage = "version", about = "which build this is",
  run = function()
    local version = host.version()
    output.line("signalroom %s (%s)", version.signalroom, version.lua)
    output.value(version)
  end,
}

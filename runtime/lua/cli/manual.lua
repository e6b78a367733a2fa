-- The man page, made of the same registry as help: signalroom.1 cannot say anything else than the program does.

local exits = require "cli.exits"

local ENVIRONMENT = {
  { "TEMPORAL_ADDRESS, _NAMESPACE, _API_KEY, _TLS_*, _PROFILE", "the Temporal server, as its own tools read them" },
  { "TEMPORAL_TASK_QUEUE", "the task queue; api-tasks unless set" },
  { "TEMPORAL_UI_ADDRESS", "where the web UI is, for links; none: nowhere" },
  { "DATABASE_URL", "the database, as libpq reads it" },
  { "SUPABASE_DB_HOST, _PORT, _NAME, _USER, _PASSWORD", "the same in parts, when DATABASE_URL is not set" },
  { "LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR" },
  { "NAME_FILE", "a file that holds the secret NAME" },
}

local FILES = {
  { "scripts/workflows, scripts/activities, scripts/reports", "what a worker runs" },
  { "scripts/workflows/schedules.lua", "when what runs" },
  { "~/.config/temporalio/temporal.toml", "profiles of Temporal servers" },
}

-- A text as roff prints it: no escapes, no requests, hyphens that can be copied.
local function plain(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
end

local function label(option)
  local name = ("\\fB\\-\\-%s\\fR"):format(plain(option.name))
  if option.short then name = ("\\fB\\-%s\\fR, %s"):format(plain(option.short), name) end
  return option.value and ("%s \\fI%s\\fR"):format(name, plain(option.value)) or name
end

local function tagged(lines, tag, text)
  lines[#lines + 1] = ".TP\n" .. tag
  lines[#lines + 1] = plain(text)
end

local function command(lines, one)
  lines[#lines + 1] = (".SS %s"):format(plain(one.name))
  lines[#lines + 1] = ("\\fBsignalroom %s\\fR\n.PP"):format(plain(one.usage))
  local about = one.about:gsub("^%l", string.upper)
  lines[#lines + 1] = plain(about) .. "."
  if one.details then lines[#lines + 1] = ".PP\n" .. plain(one.details) end
  for _, option in ipairs(one.options or {}) do tagged(lines, label(option), option.about) end
end

local function section(lines, name, rows)
  lines[#lines + 1] = ".SH " .. name
  for _, row in ipairs(rows) do tagged(lines, ("\\fB%s\\fR"):format(plain(tostring(row[1]))), row[2]) end
end

local function everywhere(lines, main)
  lines[#lines + 1] = ".SH OPTIONS OF MANY COMMANDS"
  for _, option in ipairs(main.options_of { connects = true }) do tagged(lines, label(option), option.about) end
end

local manual = {}

--- The page in roff.
---@param main table  cli.main
---@param version string
---@return string
function manual.page(main, version)
  local lines = { ([[
.\" Made by `signalroom help --man`.
.TH SIGNALROOM 1 "" "signalroom %s" "User commands"
.SH NAME
signalroom \- vendors' numbers into Postgres, and reports of them, on durable schedules
.SH SYNOPSIS
\fBsignalroom\fR \fICOMMAND\fR [\fIARGUMENTS\fR] [\fIOPTIONS\fR]
.SH DESCRIPTION
A Temporal worker whose workflows, activities, sources and reports are Lua scripts, and the commands that go with it.
Every command has \-\-help and \-\-json; text goes to standard output, progress and errors to standard error.
.SH COMMANDS]]):format(plain(version)) }
  for _, one in ipairs(main.commands()) do command(lines, one) end
  everywhere(lines, main)
  section(lines, "EXIT STATUS", exits.MEANINGS)
  section(lines, "ENVIRONMENT", ENVIRONMENT)
  section(lines, "FILES", FILES)
  lines[#lines + 1] = ".SH SEE ALSO\n\\fBsignalroom help\\fR \\fICHAPTER\\fR, \\fBpsql\\fR(1)"
  return table.concat(lines, "\n") .. "\n"
end

return manual

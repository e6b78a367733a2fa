-- Exit codes: stable and documented (docs/cli.md). Programs branch on them.

local exits = {
  ok = 0,
  failed = 1,      -- the work was done and the answer is "failed"
  usage = 2,       -- the command line is wrong
  unknown = 2,     -- `why` cannot tell
  config = 3,      -- a setting, a value or a script is missing or wrong
  unreachable = 4, -- no answer from the server or the database
  not_found = 5,   -- no such run, schedule, report, source, namespace or file
  conflict = 6,    -- it is running already
  refused = 7,     -- known, and not allowed
  readonly = 8,    -- it would change something, and SIGNALROOM_READONLY is set
  broken = 70,     -- a fault of SignalRoom itself
  unwritten = 74,  -- stdout takes no more: a full disk
  timeout = 124,
  interrupted = 130,
  reader_gone = 141, -- as if SIGPIPE had ended it
}

-- As docs, help and the man page tell them.
exits.MEANINGS = {
  { 0, "it worked" }, { 1, "it worked, and the answer is \"failed\": a failed workflow, check, replay; why found a problem" },
  { 2, "the command line is wrong; why cannot tell" }, { 3, "a setting, a value or a script is missing or wrong" },
  { 4, "the server or the database does not answer" }, { 5, "no such run, schedule, report, source, namespace or file" },
  { 6, "it is running already" }, { 7, "known, and not allowed" }, { 8, "it would change something, and SIGNALROOM_READONLY is set" },
  { 70, "a fault of SignalRoom itself" }, { 74, "what it printed could not be written" }, { 124, "timed out" },
  { "128+n", "ended by signal n" },
}

-- Error type -> exit code and what to do next.
local BY_TYPE = {
  UnavailableError = { exits.unreachable, "Is the server running? Start one: signalroom dev, or set TEMPORAL_ADDRESS." },
  DeadlineExceededError = { exits.timeout, "The server took too long; for a query: is a worker polling? Start one: signalroom worker." },
  NotFoundError = { exits.not_found, "List what is there: signalroom list." },
  AlreadyExistsError = { exits.conflict, "Wait for it: signalroom result ID; or choose another id: --id ID." },
  PermissionDeniedError = { exits.refused, "Check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE." },
  UnauthenticatedError = { exits.refused, "Check TEMPORAL_API_KEY or the client certificate." },
  ConfigError = { exits.config },
  CheckFailed = { exits.config, "signalroom check looks at everything; signalroom worker --no-check starts all the same." },
  KeyError = { exits.config },
  ScriptError = { exits.config },
  SystemError = { exits.config },
  TemplateError = { exits.config },
  ValueError = { exits.config },
  InvalidArgumentError = { exits.usage },
  UsageError = { exits.usage },
  RefusedError = { exits.refused },
  BugError = { exits.broken },
  FileError = { exits.not_found },
  NetworkError = { exits.unreachable },
  ReadOnlyError = { exits.readonly, "Unset SIGNALROOM_READONLY to let it happen." },
  Interrupted = { exits.interrupted },
  OutputError = { exits.unwritten },
  ReaderGone = { exits.reader_gone },
}

-- What PostgreSQL refuses is the statement's fault, unless its class says that the server is not well.
local UNWELL = { ["08"] = true, ["53"] = true, ["57"] = true, ["58"] = true }

local function of_database(err)
  if err.sqlstate and not UNWELL[err.sqlstate:sub(1, 2)] then return exits.config end
  return exits.unreachable, "signalroom check looks at the database, and says what to set."
end

-- A line of the library in front is a fault of ours, one of a script the script's.
local function of_lua(err)
  if err.message:find "^signalroom/" then return exits.broken end
  return err.message:find "^%S+%.lua:%d+:" and exits.config or exits.failed
end

--- The exit code of an error and a hint, nil when there is none.
---@param err Error
---@return integer code
---@return string? hint
function exits.of(err)
  if err.type == "DbError" then return of_database(err) end
  if err.type == "LuaError" then return of_lua(err) end
  local row = BY_TYPE[err.type]
  if row then return row[1], row[2] end
  return exits.failed
end

return exits

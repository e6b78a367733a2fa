-- Exit codes: stable and documented (docs/cli.md). Programs branch on them.

local exits = {
  ok = 0,
  failed = 1,      -- the work was done and the answer is "failed"
  usage = 2,       -- the command line is wrong
  unknown = 2,     -- `why` cannot tell
  config = 3,      -- a setting is missing or wrong
  unreachable = 4, -- no answer from the server or the database
  not_found = 5,   -- no such workflow, namespace, script or file
  conflict = 6,    -- it is running already
  refused = 7,     -- known, and not allowed
  readonly = 8,    -- it would change something, and SIGNALROOM_READONLY is set
  timeout = 124,
  interrupted = 130,
}

-- As docs, help and the man page tell them.
exits.MEANINGS = {
  { 0, "it worked" }, { 1, "it worked, and the answer is \"failed\": a failed workflow, check, replay; why found a problem" },
  { 2, "the command line is wrong; why cannot tell" }, { 3, "a setting is missing or wrong" },
  { 4, "the server or the database does not answer" }, { 5, "no such workflow, namespace or file" }, { 6, "it is running already" },
  { 7, "known, and not allowed" }, { 70, "a fault of SignalRoom itself" }, { 124, "timed out" }, { "128+n", "ended by signal n" },
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
  DbError = { exits.unreachable },
  NetworkError = { exits.unreachable },
  ReadOnlyError = { exits.readonly, "Unset SIGNALROOM_READONLY to let it happen." },
  Interrupted = { exits.interrupted },
}

--- The exit code of an error and a hint, nil when there is none.
---@param err { type: string }
---@return integer code
---@return string? hint
function exits.of(err)
  local row = BY_TYPE[err.type]
  if row then return row[1], row[2] end
  return exits.failed
end

return exits

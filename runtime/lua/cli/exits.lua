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
  timeout = 124,
  interrupted = 130,
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

-- Statements in read-only mode: each runs in a transaction that the server keeps from writing, and there is one of them at a
-- time, so that no COMMIT in the text leads out of it.

local errors = require "errors"
local readonly = require "readonly"

local READ_ONLY_TRANSACTION = "25006"

local guard = { on = readonly.on }

-- What the server refuses for this reason says so by its type.
local function unwrap(ok, ...)
  if ok then return ... end
  local err = ...
  if errors.is(err) and err.sqlstate == READ_ONLY_TRANSACTION then err = readonly.error(err.message:match "^[^\n]*") end
  error(err, 0)
end

local function leads_out(sql)
  return sql:upper():find "READ%s+WRITE" or sql:lower():find "transaction_read_only"
end

local function guarded(run)
  return function(self, sql, ...)
    if not readonly.on() then return run(self, sql, ...) end
    if leads_out(sql) then error(readonly.error(sql), 0) end
    if self.depth > 0 then return unwrap(pcall(run, self, sql, ...)) end
    local rest, n = { ... }, select("#", ...)
    return unwrap(pcall(self.transaction, self, function() return run(self, sql, unpack(rest, 1, n)) end))
  end
end

--- Puts the methods of a connection under the mode.
---@param Connection table
function guard.guard(Connection)
  local query = Connection.query
  local exec = Connection.exec
  local one = guarded(function(self, sql, ...) return (select(2, query(self, sql, ...))).affected end)
  function Connection:exec(sql, ...)
    return (readonly.on() and one or exec)(self, sql, ...)
  end
  for _, name in ipairs { "query", "copy", "copy_out" } do Connection[name] = guarded(Connection[name]) end
end

return guard

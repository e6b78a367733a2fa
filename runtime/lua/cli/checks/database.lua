-- The database, as `signalroom check` sees it: are the settings plausible, does it let us in, may we write, are our
-- tables there?

local errors = require "errors"
local pg = require "activity.pg"
local schema = require "sync.schema"

local RIGHTS = [[
  SELECT current_user AS who, current_database() AS name, current_setting('server_version') AS version,
         has_database_privilege(current_database(), 'CREATE') AS may_create]]

local WRITE = [[
  SELECT has_schema_privilege('signalroom', 'USAGE') AND has_table_privilege('signalroom.loads', 'INSERT')
     AND has_table_privilege('signalroom.state', 'INSERT, UPDATE') AS may_write]]

local function setting(name)
  local value = os.getenv(name)
  return value and value ~= "" and value or nil
end

-- The parts of a URL that the rules below look at; nil when it is none.
local function parts_of(url)
  local rest = url:match "^postgres://(.*)$" or url:match "^postgresql://(.*)$"
  if not rest then return nil end
  local authority = rest:match "^[^/?]*"
  local user = authority:match "^([^:@]*)[^@]*@"
  local host, port = (authority:match "@([^@]*)$" or authority):match "^([^:]*):?(%d*)$"
  return { host = host or "", port = port ~= "" and port or "5432", user = user and user:gsub("%%2[eE]", ".") or "", url = true }
end

local function configured(say)
  local url = setting "DATABASE_URL"
  if url then
    local parts = parts_of(url)
    if parts or not url:find("://", 1, true) then return parts or {} end
    say("fail", "database url", "DATABASE_URL begins with neither postgres:// nor postgresql://",
      "write postgresql://USER:PASSWORD@HOST:PORT/NAME, special characters of the password as %XX")
    return nil
  end
  local host = setting "SUPABASE_DB_HOST"
  if host then
    if not setting "SUPABASE_DB_PASSWORD" then
      say("warn", "database password", "SUPABASE_DB_PASSWORD is not set", "set it, unless the server asks for none")
    end
    return { host = host, port = setting "SUPABASE_DB_PORT" or "5432", user = setting "SUPABASE_DB_USER" or "postgres" }
  end
  say("fail", "database", "neither DATABASE_URL nor SUPABASE_DB_HOST is set", "set one of them, or use signalroom dev")
  return nil
end

-- Supabase's pooler knows a project only by the user's name; its direct hosts know no such names.
local function supabase(say, parts)
  local host, user = parts.host or "", parts.user or ""
  if host:find("pooler.supabase.com", 1, true) then
    if not user:find(".", 1, true) then
      return say("fail", "supabase user", ("the pooler does not know %q"):format(user), "the user is postgres.PROJECT_REF")
    end
    if parts.port ~= "6543" and parts.port ~= "5432" then
      return say("fail", "supabase port", ("the pooler does not listen on %s"):format(parts.port), "use 6543, or 5432 for session mode")
    end
    return say("ok", "supabase pooler", ("%s on port %s"):format(user, parts.port))
  end
  if host:match "^db%..*%.supabase%.co$" and user:find(".", 1, true) then
    return say("fail", "supabase user", ("%s belongs to the pooler, %s is the database itself"):format(user, host),
      "the user there is postgres")
  end
end

local function tables(say, connection, about)
  local missing = schema.missing(connection)
  if #missing > 0 then
    local fix = about.may_create and "signalroom migrate" or "GRANT CREATE ON DATABASE to this user, then signalroom migrate"
    return say(about.may_create and "warn" or "fail", "tables", ("signalroom lacks the tables %q"):format(missing[1][1]), fix)
  end
  if not connection:query(WRITE)[1].may_write then
    return say("fail", "tables", ("%s may not write to signalroom.loads and signalroom.state"):format(about.who),
      "GRANT INSERT, UPDATE, SELECT ON ALL TABLES IN SCHEMA signalroom to it")
  end
  say("ok", "tables", "signalroom.loads, signalroom.state")
end

local function look(say, connection)
  local about = connection:query(RIGHTS)[1]
  say("ok", "database", ("%s as %s, PostgreSQL %s"):format(about.name, about.who, about.version))
  if about.may_create then
    say("ok", "rights", "may create schemas")
  else
    say("warn", "rights", "may not create schemas", ("GRANT CREATE ON DATABASE %s TO %s"):format(about.name, about.who))
  end
  tables(say, connection, about)
end

--- Checks the configured database.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
return function(say)
  local parts = configured(say)
  if not parts then return end
  supabase(say, parts)
  local ok, connection = pcall(pg.connect)
  if not ok then
    return say("fail", "database", errors.normalize(connection).message, "check DATABASE_URL or SUPABASE_DB_*, and that it runs")
  end
  local seen, problem = pcall(look, say, connection)
  connection:close()
  if not seen then say("fail", "database", errors.normalize(problem).message, "the user needs to read the catalogue") end
end

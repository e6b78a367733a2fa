-- The database: are the settings plausible, does it let us in, may we write, are our tables there?

local errors = require "errors"
local pg = require "activity.pg"
local schema = require "sync.schema"

local CLOCKS_APART = 5 -- seconds

local RIGHTS = [[
  SELECT current_user AS who, current_database() AS name, current_setting('server_version') AS version,
         has_database_privilege(current_database(), 'CREATE') AS may_create,
         coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public'), false) AS may_in_public,
         extract(epoch FROM clock_timestamp())::float8 AS now]]

local WRITE = [[
  SELECT has_schema_privilege('signalroom', 'USAGE') AND has_table_privilege('signalroom.loads', 'INSERT')
     AND has_table_privilege('signalroom.state', 'INSERT, UPDATE') AS may_write]]

local function setting(name)
  local value = os.getenv(name)
  return value and value ~= "" and value or nil
end

-- --- settings ---

-- The parts of a URL that the rules below look at; nil when it is none.
local function parts_of(url)
  local rest = url:match "^postgres://(.*)$" or url:match "^postgresql://(.*)$"
  if not rest then return nil end
  local authority = rest:match "^[^/?]*"
  local user = authority:match "^([^:@]*)[^@]*@"
  local host, port = (authority:match "@([^@]*)$" or authority):match "^([^:]*):?(%d*)$"
  return { host = host or "", port = port ~= "" and port or "5432", user = user and user:gsub("%%2[eE]", ".") or "", url = true }
end

local function from_url(say, url)
  local parts = parts_of(url)
  if parts or not url:find("://", 1, true) then return parts or {} end
  say("fail", "database url", "DATABASE_URL begins with neither postgres:// nor postgresql://",
    "write postgresql://USER:PASSWORD@HOST:PORT/NAME, special characters of the password as %XX")
end

local function from_words(say, host)
  if not setting "SUPABASE_DB_PASSWORD" then
    return say("fail", "database password", "SUPABASE_DB_PASSWORD is not set",
      "set it to the database's password; a server that asks for none is named by DATABASE_URL")
  end
  return { host = host, port = setting "SUPABASE_DB_PORT" or "5432", user = setting "SUPABASE_DB_USER" or "postgres" }
end

-- What is set, in parts; nil when it was said that it cannot be used.
local function configured(say)
  local url, host = setting "DATABASE_URL", setting "SUPABASE_DB_HOST"
  if url then return from_url(say, url) end
  if host then return from_words(say, host) end
  say("fail", "database", "neither DATABASE_URL nor SUPABASE_DB_HOST is set", "set one of them, or use signalroom dev")
end

-- Supabase's pooler knows a project only by the user's name; its direct hosts know no such names. False when the
-- database would refuse.
local function supabase(say, parts)
  local host, user = parts.host or "", parts.user or ""
  local dotted = user:find(".", 1, true)
  if host:find("pooler.supabase.com", 1, true) then
    if not dotted then
      say("fail", "supabase user", ("the pooler does not know %q"):format(user), "the user is postgres.<project_ref>")
      return false
    end
    if parts.port ~= "6543" and parts.port ~= "5432" then
      say("fail", "supabase port", ("the pooler does not listen on %s"):format(parts.port), "use 6543, or 5432 for session mode")
      return false
    end
    say("ok", "supabase pooler", ("%s on port %s"):format(user, parts.port))
  elseif host:match "^db%..*%.supabase%.co$" and dotted then
    say("fail", "supabase user", ("%s belongs to the pooler, %s is the database itself"):format(user, host), "the user there is postgres")
    return false
  end
  return true
end

-- --- the database itself ---

-- Schemas for sources and for our own tables; the reports' view and mapping lie in public.
local function rights(say, about)
  local lacking = {}
  if not about.may_create then lacking[1] = ("GRANT CREATE ON DATABASE %s TO %s"):format(about.name, about.who) end
  if not about.may_in_public then lacking[#lacking + 1] = "GRANT CREATE ON SCHEMA public TO " .. about.who end
  if #lacking == 0 then return say("ok", "rights", "may create schemas, and tables in public") end
  say("warn", "rights", "may not create all that signalroom needs", table.concat(lacking, "; "))
end

local function tables(say, connection, about)
  local missing = schema.missing(connection)
  if #missing > 0 then
    local may = about.may_create and about.may_in_public
    local fix = may and "signalroom migrate" or "give this user the rights that it lacks, then signalroom migrate"
    return say(may and "warn" or "fail", "tables", ("signalroom lacks the tables %q"):format(missing[1][1]), fix)
  end
  if not connection:query(WRITE)[1].may_write then
    return say("fail", "tables", ("%s may not write to signalroom.loads and signalroom.state"):format(about.who),
      "GRANT INSERT, UPDATE, SELECT ON ALL TABLES IN SCHEMA signalroom to it")
  end
  say("ok", "tables", "signalroom.loads, signalroom.state")
end

local function clock(say, about)
  local apart = os.time() - about.now
  if math.abs(apart) <= CLOCKS_APART then return say("ok", "clock", "agrees with the database's") end
  say("warn", "clock", ("this machine's clock is %.0f s %s the database's"):format(math.abs(apart), apart > 0 and "ahead of" or "behind"),
    "set it by NTP; days and freshness are reckoned by it")
end

local function look(say, connection)
  local about = connection:query(RIGHTS)[1]
  say("ok", "database", ("%s as %s, PostgreSQL %s"):format(about.name, about.who, about.version))
  rights(say, about)
  tables(say, connection, about)
  clock(say, about)
end

--- Checks the configured database.
---@param say fun(verdict: string, name: string, found: string, fix: string?)
return function(say)
  local parts = configured(say)
  if not parts or not supabase(say, parts) then return end
  local ok, connection = pcall(pg.connect)
  if not ok then
    return say("fail", "database", errors.normalize(connection).message, "check DATABASE_URL or SUPABASE_DB_*, and that it runs")
  end
  local seen, problem = pcall(look, say, connection)
  connection:close()
  if not seen then say("fail", "database", errors.normalize(problem).message, "the user needs to read the catalogue") end
end

-- What to do about an error, by its type. Where the text of an error matters, the first pattern that fits decides.

local words = require "cli.why.words"

local CHECK = "signalroom check"

local REMEDIES = {
  AuthError = { { "", "the key is refused: give the worker the right one and restart it; " .. CHECK .. " tries every key" } },
  DbError = {
    { "too many c", "the database has no connection left: end idle ones, raise its limit, or go through a pooler" },
    { "No space left", "the database's disk is full: make room there" },
    { "refused", "start the database, or correct DATABASE_URL or SUPABASE_DB_*; " .. CHECK .. " tells which" },
    { "could not translate", "the database's host name is wrong: correct DATABASE_URL or SUPABASE_DB_HOST" },
    { "password authentication", "correct the password: SUPABASE_DB_PASSWORD or DATABASE_URL" },
    { "permission denied", "GRANT what the message names; " .. CHECK .. " lists the rights that are needed" },
    { "does not exist", "run signalroom migrate; if it is a table of your own, look at the statement in the message" },
    { "", CHECK .. " tells whether the database is well; otherwise the statement in the message is wrong" },
  },
  NetworkError = { { "", "the address does not answer: is it right, is the vendor up? " .. CHECK .. " asks every vendor" } },
  TimeoutError = { { "", "ask for less (-r RESOURCE, --kwargs '{\"window_days\":1}'), or raise the limit in the workflow's call" } },
  RateLimited = { { "", "the vendor asks for patience: wait, or ask for less at once with --kwargs '{\"window_days\":1}'" } },
  VendorError = { { "there is no '", "the answer has another shape than the script expects: mend the path in the line above" },
    { "", "the vendor's own trouble, or a question it cannot answer: its words are above" } },
  ConfigError = { { "migrate", "run signalroom migrate, then start it again" }, { "", "set what the message names, restart the worker" } },
  KeyError = { { "", "set or correct what the message names, then start it again" } },
  ValueError = { { "", "start it again with what the message asks for" } },
  FileError = { { "No space left", "the worker's disk is full: make room in /var/tmp, or name another folder by TMPDIR" } },
  FileRefused = { { "", "mend the files that the message names; the next run takes them by itself" } },
  Busy = { { "", "another run of this source is at work: signalroom list shows it" } },
  LuaError = { { "", "mend the script's line that is named above" } },
  ContractError = { { "", "the vendor's rows do not fit the columns: look at one with signalroom repl, mend the path or the type" } },
}

--- What to do about a failure; nil when its type says nothing.
---@param failure table  temporal.api.failure.v1.Failure
---@return string?
return function(failure)
  for _, row in ipairs(REMEDIES[words.type_of(failure)] or {}) do
    if (failure.message or ""):find(row[1]) then return row[2] end
  end
end

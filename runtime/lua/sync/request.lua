-- A request to a source's vendor. It carries what the source says for all of them: its `headers`, its access `token`. A
-- token is one client's and kept until it is about to expire; when the vendor answers 401 before that, a new one is fetched
-- and the request repeated, once. Requests of one account keep to one rate, and wait together when the vendor asks for it.

local client = require "sync.client"
local errors = require "errors"
local http = require "activity.http"
local lease = require "sync.lease"
local rate = require "sync.rate"

local TOKEN_MARGIN, TOKEN_LIFE = 60, 3600 -- seconds

local function held_of(run)
  return (run.source.held or {})[run.client]
end

local function hold(run, token)
  run.source.held = run.source.held or {}
  run.source.held[run.client] = token
end

local function names_of(run)
  local names = {}
  for i, name in ipairs(run.source.secrets) do names[i] = client.secret_name(run.source, run.client, name) end
  return table.concat(names, ", ")
end

-- A refusal names what to set; one of a token request is always a matter of the credentials.
local function explained(run, err)
  if not errors.is(err) then return err end
  local held = held_of(run)
  if held then err.message = err.message:gsub(held.value:gsub("%p", "%%%0"), "***") end
  if run.authorizing and err.type == "VendorError" and err.non_retryable then err.type = "AuthError" end
  if err.type == "RateLimited" then err.next_retry_delay_ms = err.next_retry_delay_ms or run.source.busy_ms end
  if err.type == "AuthError" and run.source.secrets then err.message = ("%s: check %s"):format(err.message, names_of(run)) end
  return err
end

-- Whoever has keys of his own has a quota of his own.
local function account_of(run)
  return run.source.secrets and ("%s of %s"):format(run.source.name, run.client) or run.source.name
end

-- The others need not be told one by one.
local function hold_others(run, err)
  if errors.is(err) and err.status and err.next_retry_delay_ms then rate.hold(account_of(run), err.next_retry_delay_ms) end
  return err
end

local function fetch_token(run)
  run.authorizing = true
  local ok, got, life = pcall(run.source.token, run)
  run.authorizing = nil
  if not ok then error(got, 0) end
  if type(got) ~= "string" or got == "" then error(errors.VendorError "the vendor answered without an access token", 0) end
  return { value = got, until_time = os.time() + math.max(0, (tonumber(life) or TOKEN_LIFE) - TOKEN_MARGIN) }
end

local function token_of(run)
  local held = held_of(run)
  if not held or os.time() >= held.until_time then held = fetch_token(run) end
  hold(run, held)
  return held.value
end

local function merged(...)
  local all = {}
  for i = 1, select("#", ...) do
    for key, value in pairs((select(i, ...)) or {}) do all[key] = value end
  end
  return all
end

-- What streams through is counted as it passes.
local function counted(run, take)
  return take and function(chunk)
    run.bytes = run.bytes + #chunk
    take(chunk)
  end
end

local function send(run, options)
  rate.take(account_of(run), run.source.limit)
  lease.renew(run.job.lease)
  run.requests = run.requests + 1
  local reply = http.request(merged(options, { stream = counted(run, options.stream), reads = true }))
  run.bytes = run.bytes + #(reply.body or "")
  return reply
end

--- Sends a request of a fetch. Raises typed errors.
---@param run table
---@param method string
---@param path string  below the source's base URL, or a whole address
---@param given? table  as http.request takes them
---@return table response
return function(run, method, path, given)
  local source = run.source
  local options = merged(given, { method = method, url = path:find "^https?://" and path or source.base_url .. path })
  options.headers = merged(source.headers and source.headers(run), options.headers)
  local tokened = source.token and not run.authorizing
  if tokened then options.bearer = token_of(run) end
  local ok, reply = pcall(send, run, options)
  if not ok and tokened and errors.is(reply) and reply.status == 401 then
    hold(run, nil)
    options.bearer = token_of(run)
    ok, reply = pcall(send, run, options)
  end
  if not ok then error(hold_others(run, explained(run, reply)), 0) end
  return reply
end

-- HTTP for activities. A request waits without a thread; what comes back is a response or a typed error:
--
--   TimeoutError     no answer in time                  AuthError     401, 403; not retried
--   NetworkError     refused, reset, truncated, TLS     RateLimited   429; Retry-After sets the next retry
--   BadResponse      broken compression, no JSON        VendorError   any other status from 400 on; 4xx not retried
--   BodyTooLarge     beyond max_bytes; not retried
--
-- Every error has `status` when there was one, and `request`, whose address shows no secrets.

local duration = require "duration"
local errors = require "errors"
local json = require "activity.json"
local native = require "native.http"
local timer = require "native.timer"
local options_of = require "options"
local readonly = require "readonly"
local wait = require "wait"

local EXCERPT = 300
local TRANSIENT = { [408] = true, [425] = true }
local RETRY_KNOWN = { attempts = true, initial = true, factor = true, max = true, on = true }
local RETRIED = { "TimeoutError", "NetworkError", "RateLimited", "VendorError", "BadResponse" }

-- --- errors ---

local function excerpt(text)
  text = text:sub(1, EXCERPT + 1):gsub("%s+", " ")
  return #text > EXCERPT and text:sub(1, EXCERPT) .. "..." or text
end

-- Seconds that the header asks to wait, from a number or a date; nil without one.
local function retry_after(response)
  local text = response.headers["retry-after"]
  if not text then return nil end
  local seconds = tonumber(text) or (native.date(text) or os.time()) - os.time()
  return math.max(0, seconds)
end

local function refused(response, body)
  local status = response.status
  local fields = {
    message = ("%s: %d %s"):format(response.request, status, excerpt(body)),
    status = status, request = response.request,
  }
  if status == 401 or status == 403 then
    fields.non_retryable = true
    return errors.new("AuthError", fields)
  end
  fields.retry_after = retry_after(response)
  fields.next_retry_delay_ms = fields.retry_after and fields.retry_after * 1000
  if status == 429 then return errors.new("RateLimited", fields) end
  fields.non_retryable = status < 500 and not TRANSIENT[status] or nil
  return errors.new("VendorError", fields)
end

-- --- responses ---

local header_names = { __index = function(headers, name) return rawget(headers, name:lower()) end }

local Response = {}
Response.__index = Response

--- The body as a Lua value, decoded once. Raises BadResponse when it is not JSON, saying what it is.
---@return any
function Response:json()
  if self.decoded == nil then
    local ok, value = pcall(json.decode, self.body)
    if not ok then
      error(errors.new("BadResponse", { status = self.status, request = self.request,
        message = ("%s: expected JSON, got %s: %s (%s)"):format(self.request, self.headers["content-type"] or "no content type",
          excerpt(self.body), tostring(value)) }), 0)
    end
    self.decoded = value
  end
  return self.decoded
end

local function accepts(accept, status)
  if status < 400 or accept == true then return true end
  for _, one in ipairs(accept or {}) do
    if one == status then return true end
  end
  return false
end

local function finish(response)
  response.received_at = os.time()
  setmetatable(response.headers, header_names)
  return setmetatable(response, Response)
end

local function whole(call, options)
  local response = finish(wait(native.perform(call, options)))
  if accepts(options.accept, response.status) then return response end
  error(refused(response, response.body), 0)
end

-- --- streams ---

local function drain(stream, take)
  local chunk = wait(stream:read())
  while chunk do
    take(chunk)
    chunk = wait(stream:read())
  end
end

local function streamed(call, options)
  local stream, response = wait(native.open(call, options))
  local ok, problem = pcall(function()
    if accepts(options.accept, response.status) then return drain(stream, options.stream) end
    local body = wait(stream:read()) or ""
    error(refused(finish(response), body), 0)
  end)
  stream:close()
  if not ok then error(problem, 0) end
  return finish(response)
end

-- --- retries ---

local function retry_policy(call, retry)
  if retry == nil then return { attempts = 1 } end
  if type(retry) == "number" then retry = { attempts = retry } end
  options_of.check(retry, RETRY_KNOWN, call .. ": retry")
  local on = {}
  for _, name in ipairs(retry.on or RETRIED) do on[name] = true end
  return { attempts = retry.attempts or 3, wait_ms = duration.ms(retry.initial or "1s", "retry.initial"),
    factor = retry.factor or 2, max_ms = duration.ms(retry.max or "30s", "retry.max"), on = on }
end

local function may_retry(policy, attempt, err)
  return attempt < policy.attempts and errors.is(err) and policy.on[err.type] and not err.non_retryable
    and (err.next_retry_delay_ms or 0) <= policy.max_ms
end

-- In read-only mode a request may only read: by its method, or because its caller says so.
local function permitted(options)
  local method = options.method or (options.json ~= nil or options.form or options.body) and "POST" or "GET"
  if not options.reads and method ~= "GET" and method ~= "HEAD" then
    readonly.refuse(("%s %s"):format(method, tostring(options.url):gsub("[?#].*", "")))
  end
  if options.reads == nil then return options end
  local plain = {}
  for key, value in pairs(options) do plain[key] = value end
  plain.reads = nil
  return plain
end

local function request(call, options)
  options = permitted(options)
  local once = type(options.stream) == "function" and streamed or whole
  local policy = retry_policy(call, options.retry)
  local attempt = 1
  while true do
    local ok, result = pcall(once, call, options)
    if ok then return result end
    if not may_retry(policy, attempt, result) then error(result, 0) end
    wait(timer.sleep(math.max(policy.wait_ms, result.next_retry_delay_ms or 0)))
    policy.wait_ms = math.min(policy.wait_ms * policy.factor, policy.max_ms)
    attempt = attempt + 1
  end
end

-- --- the module ---

local http = {}

local function with(fixed, given)
  local options = {}
  for key, value in pairs(given or {}) do options[key] = value end
  for key, value in pairs(fixed) do options[key] = value end
  return options
end

local function arguments(call, url, options)
  if type(url) == "table" and options == nil then return url end
  if type(url) == "string" and (options == nil or type(options) == "table") then return with({ url = url }, options) end
  error(errors.ValueError(call .. " takes an url and options, or one table with both"), 0)
end

--- Sends a request and waits for the whole response.
---
--- url, query (table), method, headers; one of json (any value), form (table), body (text);
--- timeout "30s" for all of it, connect_timeout "10s", max_bytes "64MB", redirects 5 (0: do not follow);
--- raw: true for the body as it came, packed when it came packed (libcurl unpacks, and does not miss an end that is cut off);
--- once: true for what must not reach the server twice: a new connection, on which libcurl repeats nothing;
--- bearer, or user and password; ca, client_cert, client_key (paths or PEM text);
--- reads: true for a POST that changes nothing: it is sent in read-only mode too;
--- accept: a list of statuses that are no error, true: all; retry: a number of attempts or
--- { attempts = 3, initial = "1s", factor = 2, max = "30s", on = { "NetworkError", ... } }, where a Retry-After beyond max is raised;
--- stream: a function that is given each chunk of the body, which then is not kept; timeout is then for standing still.
---@param url string|table an url, or the options
---@param options? table
---@return table response { status, headers (any case), body, json(), url, request, elapsed_ms, received_at }
function http.request(url, options)
  return request("http.request", arguments("http.request", url, options))
end

--- http.request with the method GET.
---@param url string|table
---@param options? table
---@return table response
function http.get(url, options)
  return request("http.get", with({ method = "GET" }, arguments("http.get", url, options)))
end

--- http.request with the method POST.
---@param url string|table
---@param options? table
---@return table response
function http.post(url, options)
  return request("http.post", with({ method = "POST" }, arguments("http.post", url, options)))
end

return http

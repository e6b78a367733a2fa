---@meta http
-- What an editor knows about `http`. The module itself is runtime/lua/activity/http.lua. For activities.
--
-- A request waits without keeping anything else from running. What comes back is a response, or an error is raised:
--
--   TimeoutError    no answer in time
--   NetworkError    refused, reset, truncated, no such host, TLS
--   AuthError       401, 403; not retried
--   RateLimited     429; Retry-After (seconds or a date) delays the activity's next attempt
--   VendorError     every other status from 400 on; not retried below 500 but for 408 and 425
--   BadResponse     not what it must be: broken compression, no JSON, redirects without end
--   BodyTooLarge    beyond max_bytes; not retried
--
-- They have `status` when there was one, and `request`. Addresses in texts show no user, no password, "***" for
-- parameters named like a key, and no secret that `secret` gave.

---@class HttpOptions
---@field url? string
---@field method? string "GET" unless there is a body, then "POST"
---@field query? table<string, string|number|boolean|table> added to the url, encoded; a list gives its name several times
---@field headers? table<string, string>
---@field json? any the body, as JSON
---@field form? table<string, string|number|boolean|table> the body, as a form
---@field body? string the body, as it is
---@field timeout? string|number for all of it; default "30s". With `stream`: for standing still
---@field connect_timeout? string|number default "10s"
---@field max_bytes? number|string of the body, unpacked; default "64MB", with `stream` none
---@field redirects? integer how many are followed; default 5
---@field once? boolean true: on a new connection, since libcurl repeats a request whose kept connection breaks
---@field raw? boolean true: the body as it came, packed when it came packed
---@field bearer? string a token
---@field user? string with `password`: basic access
---@field password? string
---@field ca? string who is trusted, as a path or PEM text; default: the system's
---@field client_cert? string a path or PEM text
---@field client_key? string a path or PEM text
---@field accept? integer[]|true statuses that are answers and no errors; true: all
---@field retry? integer|HttpRetry attempts within this call; default 1. The activity's own retries come on top
---@field stream? fun(chunk: string) given the body piece by piece; then it is not kept

---@class HttpRetry
---@field attempts? integer default 3
---@field initial? string|number the first wait; default "1s". Retry-After may make it longer
---@field factor? number default 2
---@field max? string|number the longest wait; default "30s"
---@field on? string[] error types; default TimeoutError, NetworkError, RateLimited, VendorError, BadResponse

---@class HttpResponse
---@field status integer
---@field headers table<string, string> by name in any case; one that came twice is joined by ", ", cookies by line
---@field body string nothing with `stream`
---@field url string the last one, after redirects
---@field request string "GET https://...": for messages
---@field elapsed_ms number
---@field received_at number seconds since 1970
local HttpResponse = {}

---The body as a value, decoded once. Raises BadResponse, which shows what came instead.
---@return any
function HttpResponse:json() end

---@class httplib
http = {}

---Sends a request: `http.request("https://...", { ... })` or `http.request{ url = ..., ... }`.
---@param url string|HttpOptions
---@param options? HttpOptions
---@return HttpResponse
function http.request(url, options) end

---The same with the method GET.
---@param url string|HttpOptions
---@param options? HttpOptions
---@return HttpResponse
function http.get(url, options) end

---The same with the method POST.
---@param url string|HttpOptions
---@param options? HttpOptions
---@return HttpResponse
function http.post(url, options) end

return http

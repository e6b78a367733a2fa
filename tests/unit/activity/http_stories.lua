-- HTTP as scripts see it. `server` is tests/fakes/fault_server.py, `secure` the same over TLS, `keys` its folder.

local checks = require "checks"

local refused, equal, has = checks.refused, checks.equal, checks.has

local function took(call, ...)
  local from = os.time()
  pcall(call, ...)
  return os.time() - from
end

return {
  { "a response has status, headers of any case, body and json", function()
    local r = http.get(server .. "/ok")
    equal(r.status, 200)
    equal(r.body, '{"ok":true}')
    equal(r:json().ok, true)
    equal(r.headers["Content-TYPE"], "application/json")
    assert(r.elapsed_ms > 0 and r.received_at > 1e9)
  end },

  { "options become the request", function()
    local seen = http.request {
      method = "PUT", url = server .. "/echo?a=1", query = { b = "ä &", c = { 1, 2 }, d = true }, headers = { ["X-Key"] = "k1" },
      json = { rows = json.array {}, id = 12345678901234 },
    }:json()
    equal(seen.method, "PUT")
    equal(seen.target, "/echo?a=1&b=%C3%A4%20%26&c=1&c=2&d=true")
    equal(seen.headers["x-key"], "k1")
    equal(seen.headers["content-type"], "application/json")
    equal(seen.body, '{"id":12345678901234,"rows":[]}')
  end },

  { "a form is encoded, and a body makes it a POST", function()
    local seen = http.request { url = server .. "/echo", form = { name = "Ann Lee", n = 3 } }:json()
    equal(seen.method, "POST")
    equal(seen.body, "n=3&name=Ann%20Lee")
    equal(seen.headers["content-type"], "application/x-www-form-urlencoded")
    equal(http.post(server .. "/echo", { body = "raw\0bytes" }):json().body, "raw\0bytes")
    equal(http.post(server .. "/echo"):json().method, "POST")
  end },

  { "bearer and basic access are headers", function()
    equal(http.get(server .. "/echo", { bearer = "tok" }):json().headers.authorization, "Bearer tok")
    equal(http.get(server .. "/echo", { user = "ann", password = "p:w" }):json().headers.authorization, "Basic YW5uOnA6dw==")
  end },

  { "headers that come twice are joined", function()
    local r = http.get(server .. "/headers")
    equal(r.headers["x-twice"], "one, two")
    equal(r.headers["set-cookie"], "a=1, b\nc=2")
    equal(r.body, "")
  end },

  { "an unknown option names the nearest", function()
    local err = refused("ValueError", http.get, { url = server, tiemout = 1 })
    has(err.message, "unknown option 'tiemout', did you mean 'timeout'?")
    for _, wrong in ipairs { "soon", "", "5 s", "-1s", "1x", "1h30" } do
      has(refused("ValueError", http.get, { url = server, timeout = wrong }).message, "must be a duration")
    end
    equal(http.get({ url = server .. "/ok", timeout = "1m30s", max_bytes = "1.5KB" }).status, 200)
    has(refused("ValueError", http.get, { url = server, headers = { a = "b\r\nc: d" } }).message, "one-line")
    has(refused("ValueError", http.get, server, 5).message, "an url and options")
    has(refused("ValueError", http.get).message, "an url and options")
    has(refused("ValueError", http.get, { url = server, json = {}, body = "" }).message, "one of json, form and body")
  end },

  { "compressed bodies arrive plain, broken ones are errors", function()
    equal(http.get(server .. "/gzip"):json().packed, true)
    refused("BadResponse", http.get, server .. "/bad_gzip")
  end },

  { "a body has a maximum, also a compressed one", function()
    local err = refused("BodyTooLarge", http.get, server .. "/bomb")
    has(err.message, "max_bytes = 67108864")
    equal(err.non_retryable, true)
    equal(err.request, "GET " .. server .. "/bomb")
    refused("BodyTooLarge", http.get, { url = server .. "/big?bytes=5000", max_bytes = "4KB" })
    equal(#http.get({ url = server .. "/big?bytes=10000000" }).body, 10000000)
  end },

  { "nobody there is a NetworkError", function()
    local err = refused("NetworkError", http.get, "http://127.0.0.1:1/x?api_key=sesame&day=1")
    has(err.message, "GET http://127.0.0.1:1/x?api_key=***&day=1")
    assert(not err.message:find("sesame"))
  end },

  { "a broken connection is a NetworkError", function()
    for _, path in ipairs { "/close_at_once", "/reset_in_body", "/cut_body", "/cut_chunks" } do
      refused("NetworkError", http.get, server .. path)
    end
  end },

  { "no answer in time is a TimeoutError", function()
    refused("TimeoutError", http.get, { url = server .. "/never", timeout = "100ms" })
    refused("TimeoutError", http.get, { url = server .. "/drip", timeout = "100ms" })
  end },

  { "a name that cannot exist is a NetworkError", function() -- one that a name server need not be asked for
    refused("NetworkError", http.get, { url = ("http://%s.invalid/"):format(("x"):rep(64)), connect_timeout = "30s" })
  end },

  { "a broken url is a ValueError", function()
    refused("ValueError", http.get, "http://[")
    refused("ValueError", http.get, "ftp://127.0.0.1/")
    refused("ValueError", http.get, "")
  end },

  { "refused access is not retried", function()
    for _, code in ipairs { 401, 403 } do
      local err = refused("AuthError", http.get, server .. "/status?code=" .. code)
      equal(err.status, code)
      equal(err.non_retryable, true)
    end
  end },

  { "a vendor's fault is retried, ours is not", function()
    local err = refused("VendorError", http.get, server .. "/status?code=500")
    equal(err.status, 500)
    equal(err.non_retryable, nil)
    has(err.message, '500 {"error":"as you asked"}')
    equal(refused("VendorError", http.get, server .. "/status?code=404").non_retryable, true)
    equal(refused("VendorError", http.get, server .. "/status?code=408").non_retryable, nil)
  end },

  { "Retry-After delays the next attempt, as seconds and as a date", function()
    local err = refused("RateLimited", http.get, server .. "/status?code=429&retry_after=3")
    equal(err.next_retry_delay_ms, 3000)
    equal(refused("RateLimited", http.get, server .. "/status?code=429").next_retry_delay_ms, nil)
    local by_date = refused("RateLimited", http.get, server .. "/limited_until?seconds=60")
    assert(by_date.next_retry_delay_ms >= 30000 and by_date.next_retry_delay_ms <= 60000)
    equal(refused("VendorError", http.get, server .. "/status?code=503&retry_after=7").next_retry_delay_ms, 7000)
  end },

  { "accepted statuses are answers", function()
    equal(http.get(server .. "/status?code=404", { accept = { 404 } }).status, 404)
    equal(http.get(server .. "/status?code=500", { accept = true }).status, 500)
    refused("VendorError", http.get, server .. "/status?code=500", { accept = { 404 } })
  end },

  { "a page where JSON should be is a BadResponse that shows it", function()
    local r = http.get(server .. "/html")
    local err = refused("BadResponse", r.json, r)
    has(err.message, "expected JSON, got text/html: <html><body>Please log in")
    local cut = http.get(server .. "/truncated_json")
    refused("BadResponse", cut.json, cut)
    local empty = http.get(server .. "/empty")
    refused("BadResponse", empty.json, empty)
    equal(http.get(server .. "/no_content").status, 204)
  end },

  { "redirects are followed up to a number", function()
    equal(http.get(server .. "/moved"):json().ok, true)
    equal(http.get(server .. "/moved", { redirects = 0 }).status, 301)
    refused("BadResponse", http.get, server .. "/loop")
  end },

  { "retries go by type of failure", function()
    equal(http.get(server .. "/flaky?key=a&times=2", { retry = { attempts = 3, initial = "10ms" } }):json().tries, 3)
    refused("VendorError", http.get, server .. "/flaky?key=b&times=9", { retry = { attempts = 3, initial = "10ms" } })
    refused("VendorError", http.get, server .. "/flaky?key=c&times=1",
      { retry = { attempts = 3, initial = "10ms", on = { "NetworkError" } } })
    refused("AuthError", http.get, server .. "/status?code=401", { retry = 5 })
    local from = os.time()
    refused("RateLimited", http.get, server .. "/status?code=429&retry_after=60", { retry = { attempts = 3, max = "59s" } })
    assert(os.time() - from < 60, "a wait beyond max was waited for")
    has(tostring(select(2, pcall(http.get, server, { retry = { atempts = 2 } }))), "atempts")
  end },

  { "what goes once is not repeated by libcurl behind our back", function()
    equal(http.get(server .. "/ok").status, 200)
    equal(http.post(server .. "/breaks_first?key=kept"):json().tries, 2)
    refused("NetworkError", http.post, server .. "/breaks_first?key=fresh", { once = true })
    equal(http.post(server .. "/breaks_first?key=fresh", { once = true }):json().tries, 2)
  end },

  { "a stream gives the body in chunks and keeps none", function()
    local size, chunks = 0, 0
    local r = http.get(server .. "/big?bytes=50000000", { stream = function(chunk)
      size, chunks = size + #chunk, chunks + 1
    end })
    equal(r.status, 200)
    equal(size, 50000000)
    equal(r.body, nil)
    assert(chunks > 20)
  end },

  { "a stream that breaks or stands still is an error", function()
    refused("NetworkError", http.get, server .. "/cut_body", { stream = function() end })
    refused("TimeoutError", http.get, server .. "/drip", { stream = function() end, timeout = "200ms" })
    refused("VendorError", http.get, server .. "/status?code=500", { stream = function() error("no") end })
    assert(took(http.get, server .. "/never", { stream = function() end, timeout = "200ms" }) <= 30)
  end },

  { "an error in the reader ends the stream", function()
    local ok, err = pcall(http.get, server .. "/big?bytes=100000000", { stream = function() error("enough", 0) end })
    equal(ok, false)
    equal(err, "enough")
  end },

  { "TLS believes whom it is told to, by path or by text", function()
    equal(http.get(secure .. "/ok", { ca = keys .. "/ca.pem" }):json().ok, true)
    equal(http.get(secure .. "/ok", { ca = file.read(keys .. "/ca.pem") }):json().ok, true)
    has(refused("NetworkError", http.get, secure .. "/ok").message, "certificate")
    has(refused("NetworkError", http.get, secure .. "/ok", { ca = keys .. "/client.pem" }).message, "certificate")
    refused("NetworkError", http.get, secure:gsub("127.0.0.1", "localhost") .. "/ok", { ca = keys .. "/ca.pem" })
    refused("NetworkError", http.get, secure:gsub("https", "http") .. "/ok")
  end },

  { "TLS shows our certificate to whom asks for it", function()
    local ca, cert, key = keys .. "/ca.pem", keys .. "/client.pem", keys .. "/client.key"
    equal(http.get(secure .. "/who", { ca = ca }):json().name, json.null)
    equal(http.get(secure .. "/who", { ca = ca, client_cert = cert, client_key = key }):json().name, "client")
    equal(http.get(secure .. "/who", { ca = ca, client_cert = file.read(cert), client_key = file.read(key) }):json().name, "client")
    refused("NetworkError", http.get, secure .. "/who", { ca = ca, client_cert = keys .. "/none", client_key = key })
  end },

  { "a coroutine of the script may wait too", function()
    local co = coroutine.wrap(function()
      for _ = 1, 3 do coroutine.yield(http.get(server .. "/ok").status) end
    end)
    equal(co() + co() + co(), 600)
  end },
}

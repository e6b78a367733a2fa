-- Signature Version 4 of Amazon's services, for requests without a body. What is signed: method, path, query and the
-- headers host and x-amz-*; others (range, if-match) may be added freely.

local crypto = require "native.crypto"
local sorted_keys = require "sorted_keys"

local EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" -- SHA-256 of no body
local ALGORITHM, SERVICE = "AWS4-HMAC-SHA256", "s3"

local signature = {}

--- A text as RFC 3986 encodes it.
---@param text string
---@param kept? string characters that stay, as in a pattern's set
---@return string
function signature.encode(text, kept)
  return (text:gsub("[^%w%-%._~" .. (kept or "") .. "]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- The path of an object: encoded once, "/" stays.
---@param key string
---@return string
function signature.path(key)
  return signature.encode(key, "/")
end

--- The query in the order and form that is signed; it is also what goes into the address.
---@param query table<string, string>
---@return string
function signature.query(query)
  local parts = {}
  for name, value in pairs(query) do parts[#parts + 1] = signature.encode(name) .. "=" .. signature.encode(value) end
  table.sort(parts)
  return table.concat(parts, "&")
end

-- Header lines by name, and the list of names.
local function canonical(headers)
  local names, lines = sorted_keys(headers), {}
  for i, name in ipairs(names) do lines[i] = name .. ":" .. headers[name]:match "^%s*(.-)%s*$":gsub("%s+", " ") .. "\n" end
  return table.concat(lines), table.concat(names, ";")
end

local function hmac(key, text)
  return crypto.hmac("sha256", key, text)
end

--- Signs a request.
---@param request { method: string?, path: string, query: table<string, string>, headers: table<string, string>, time: number,
---  region: string, id: string, secret: string, token: string? }  `path` encoded; `headers` in lower case, with host
---@return table<string, string> headers those given, with the signature and what belongs to it
function signature.sign(request)
  local stamp = os.date("!%Y%m%dT%H%M%SZ", request.time)
  local day = stamp:sub(1, 8)
  local headers = { ["x-amz-date"] = stamp, ["x-amz-content-sha256"] = EMPTY, ["x-amz-security-token"] = request.token }
  for name, value in pairs(request.headers) do headers[name] = value end
  local lines, signed = canonical(headers)
  local asked = table.concat({ request.method or "GET", request.path, signature.query(request.query), lines, signed, EMPTY }, "\n")
  local scope = table.concat({ day, request.region, SERVICE, "aws4_request" }, "/")
  local text = table.concat({ ALGORITHM, stamp, scope, crypto.hex(crypto.sha256(asked)) }, "\n")
  local key = hmac(hmac(hmac(hmac("AWS4" .. request.secret, day), request.region), SERVICE), "aws4_request")
  headers.authorization = ("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s"):format(ALGORITHM, request.id, scope, signed,
    crypto.hex(hmac(key, text)))
  return headers
end

return signature

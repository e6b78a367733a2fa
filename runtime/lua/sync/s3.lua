-- S3 for sources: what is in a bucket, and what is in an object, chunk by chunk. The word `s3` of scripts.
--
--     local bucket = s3.bucket { name = setting "S3_BUCKET_NAME", region = setting("AWS_REGION", "us-east-1") }
--     for _, object in ipairs(bucket:list(run, "orders/")) do bucket:read(run, object, function(chunk) ... end) end
--
-- Keys: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, when there is one, AWS_SESSION_TOKEN, or their _FILE forms.

local errors = require "errors"
local names = require "sync.names"
local native = require "native.secret"
local secret = require "activity.secret"
local signature = require "sync.signature"

local s3 = { table_name = names.of_folder }

local Bucket = {}
Bucket.__index = Bucket

--- A bucket. With an endpoint it is a folder of it (path style), else a host of its own, unless its name has dots.
---@param about { name: string, region: string, endpoint: string? }
---@return table bucket `url` is the base_url of its source
function s3.bucket(about)
  local bucket = { name = about.name, region = about.region, folder = "" }
  local endpoint = about.endpoint ~= "" and about.endpoint or nil
  if endpoint or about.name == "" or about.name:find(".", 1, true) then
    bucket.url = (endpoint or ("https://s3.%s.amazonaws.com"):format(about.region)):gsub("/+$", "")
    bucket.folder = "/" .. signature.encode(about.name)
  else
    bucket.url = ("https://%s.s3.%s.amazonaws.com"):format(about.name, about.region)
  end
  bucket.host = bucket.url:match "^%a+://([^/]+)"
  if bucket.url:find "^https:" then bucket.host = bucket.host:gsub(":443$", "") end
  return setmetatable(bucket, Bucket)
end

local function ask(bucket, run, path, query, more)
  run:require(bucket.name ~= "", "ValueError", "S3 bucket not configured. Set S3_BUCKET_NAME")
  local headers = signature.sign { path = path, query = query, headers = { host = bucket.host }, time = os.time(), region = bucket.region,
    id = secret "AWS_ACCESS_KEY_ID", secret = secret "AWS_SECRET_ACCESS_KEY", token = native.secret "AWS_SESSION_TOKEN" }
  headers.host = nil -- the same one, but from the address
  for name, value in pairs(more.headers or {}) do headers[name] = value end
  local text = signature.query(query)
  local reply = run:get(path .. (text ~= "" and "?" .. text or ""), { headers = headers, stream = more.stream, redirects = 0,
    timeout = "60s", raw = more.raw })
  run:require(reply.status == 200 or reply.status == 206, "VendorError", ("%s: %d; the bucket is in region %s, AWS_REGION says %s"):format(
    reply.request, reply.status, reply.headers["x-amz-bucket-region"] or "unknown", bucket.region))
  return reply
end

-- --- lists ---

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }

local function character(number)
  if number < 0x80 then return string.char(number) end
  local tail, lead = {}, 0x3F
  while number > lead do
    table.insert(tail, 1, string.char(0x80 + number % 64))
    number, lead = math.floor(number / 64), math.floor(lead / 2)
  end
  return string.char((0xFE - 2 * lead) % 256 + number) .. table.concat(tail)
end

local function text_of(xml, tag)
  local text = xml:match(("<%s>(.-)</%s>"):format(tag, tag))
  return text and (text:gsub("&(#?)(x?)(%w+);", function(number, hexadecimal, word)
    if number == "" then return ENTITIES[hexadecimal .. word] end
    return character(tonumber(word, hexadecimal == "x" and 16 or 10))
  end))
end

local function object_of(xml)
  return { key = text_of(xml, "Key"), etag = (text_of(xml, "ETag") or ""):gsub('"', ""), size = tonumber(text_of(xml, "Size")),
    modified = text_of(xml, "LastModified") }
end

--- All objects below a prefix, in the order of their keys.
---@param run table
---@param prefix string
---@return { key: string, etag: string, size: integer, modified: string }[]
function Bucket:list(run, prefix)
  local list, token = {}, nil
  repeat
    local reply = ask(self, run, self.folder == "" and "/" or self.folder, { ["list-type"] = "2", ["max-keys"] = "1000", prefix = prefix,
      ["continuation-token"] = token }, {})
    run:require(reply.body:find("<ListBucketResult", 1, true), "VendorError", reply.request .. ": the answer is no list of objects")
    for xml in reply.body:gmatch "<Contents>(.-)</Contents>" do list[#list + 1] = object_of(xml) end
    local last = token
    token = text_of(reply.body, "IsTruncated") == "true" and text_of(reply.body, "NextContinuationToken") or nil
    run:require(token == nil or token ~= last, "VendorError", reply.request .. ": the list goes round in circles")
  until not token
  return list
end

--- Whether the bucket lets us list it.
---@param run table
---@return string found
function Bucket:probe(run)
  ask(self, run, self.folder == "" and "/" or self.folder, { ["list-type"] = "2", ["max-keys"] = "1" }, {})
  return ("the bucket %s may be listed"):format(self.name)
end

-- --- objects ---

-- What a read that failed means: nil when it can go on where it broke off.
local function verdict(problem, moved)
  if not errors.is(problem) then return problem end
  if problem.status == 412 or problem.status == 404 then
    return errors.VendorError(problem.message .. ": the object was changed or removed after it was listed")
  end
  local broken = problem.type == "NetworkError" or problem.type == "TimeoutError"
  return not (broken and moved) and problem or nil
end

--- Reads an object as it was listed, packed where it was uploaded packed. A connection that breaks goes on where it was, as long as
--- something came.
---@param run table
---@param object { key: string, etag: string, size: integer }
---@param take fun(chunk: string)
function Bucket:read(run, object, take)
  local got, before, reply = 0
  local function stream(chunk)
    got = got + #chunk
    run.bytes = run.bytes + #chunk
    take(chunk)
  end
  repeat
    before = got
    local headers = { ["if-match"] = '"' .. object.etag .. '"', range = got > 0 and ("bytes=%d-"):format(got) or nil }
    local ok, result = pcall(ask, self, run, self.folder .. "/" .. signature.path(object.key), {},
      { headers = headers, stream = stream, raw = true })
    reply = ok and result
    local problem = not ok and verdict(result, got > before)
    if problem then error(problem, 0) end
  until reply
  if got ~= object.size then
    error(errors.VendorError(("%s: %d bytes came of %d"):format(reply.request, got, object.size)), 0)
  end
end

return s3

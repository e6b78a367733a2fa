-- Lua values <-> Temporal payloads, in the encodings that every SDK speaks.
--
--   nil            binary/null     (its key is there, so that an absent value is told from none)
--   bytes(text)    binary/plain    (a plain Lua string is text and becomes JSON)
--   all else       json/plain      (json/protobuf is read as JSON too)
--
-- A payload is a table { metadata = { encoding = ... }, data = ... }, as script/message.h pushes it.

local json = require "json"
local mistake = require "mistake"
local sorted_keys = require "sorted_keys"

local M = {}

local NULL = { encoding = "binary/null" }
local PLAIN = { encoding = "binary/plain" }
local JSON = { encoding = "json/plain" }

local Bytes = { __metatable = "bytes", __tostring = function(bytes) return bytes.data end }

--- Marks a string as raw bytes: it travels as binary/plain instead of JSON text.
---@param text string
---@return Bytes bytes has the field `data`; tostring gives it too
function M.bytes(text)
  if type(text) ~= "string" then mistake("bytes() takes a string, not a " .. type(text)) end
  return setmetatable({ data = text }, Bytes)
end

local raw_metatable = debug.getmetatable

--- One value as a payload. Raises when JSON cannot hold the value, naming the path.
---@param value any
---@return table payload
function M.encode(value)
  if value == nil then return { metadata = NULL } end
  if type(value) == "table" and raw_metatable(value) == Bytes then
    return { metadata = PLAIN, data = value.data }
  end
  return { metadata = JSON, data = json.encode(value) }
end

local function from_json(text)
  local value = json.decode(text)
  if value == json.null then return nil end
  return value
end

local decoders = {
  ["binary/null"] = function() return nil end,
  ["binary/plain"] = M.bytes,
  ["json/plain"] = from_json,
  ["json/protobuf"] = from_json,
}

local function known_encodings()
  return table.concat(sorted_keys(decoders), ", ")
end

--- The value of one payload. Raises on an encoding that nobody here knows.
---@param payload table
---@return any value
function M.decode(payload)
  local encoding = payload.metadata and payload.metadata.encoding
  local decoder = decoders[encoding]
  if not decoder then
    error(("a payload has the encoding %s; this worker reads %s"):format(
      encoding and ("%q"):format(encoding) or "(none)", known_encodings()), 0)
  end
  return decoder(payload.data or "")
end

--- Several values as Payloads.
---@param values table values 1 to n, nil allowed
---@param n integer
---@return table? payloads { payloads = {...} }, nil when n is 0
function M.encode_list(values, n)
  if n == 0 then return nil end
  local payloads = {}
  for i = 1, n do payloads[i] = M.encode(values[i]) end
  return { payloads = payloads }
end

--- The values of Payloads.
---@param message? table { payloads = {...} } or nil
---@return table values
---@return integer n
function M.decode_list(message)
  local payloads = message and message.payloads
  if not payloads then return {}, 0 end
  local values, n = {}, #payloads
  for i = 1, n do values[i] = M.decode(payloads[i]) end
  return values, n
end

--- The first value of Payloads, nil when there is none.
---@param message? table
---@return any value
function M.decode_first(message)
  local payloads = message and message.payloads
  if not payloads or not payloads[1] then return nil end
  return M.decode(payloads[1])
end

return M

local converter = require "converter"
local json = require "json"

return {
  nil_is_a_payload_of_its_own = function()
    local payload = converter.encode(nil)
    assert(payload.metadata.encoding == "binary/null" and payload.data == nil)
    assert(converter.decode(payload) == nil)
  end,

  bytes_stay_bytes = function()
    local payload = converter.encode(converter.bytes("\0\255"))
    assert(payload.metadata.encoding == "binary/plain" and payload.data == "\0\255")
    local back = converter.decode(payload)
    assert(back.data == "\0\255" and tostring(back) == "\0\255")
    assert(converter.encode(back).metadata.encoding == "binary/plain")
  end,

  all_else_is_json_with_sorted_keys = function()
    local payload = converter.encode { b = 1, a = { true, json.null } }
    assert(payload.metadata.encoding == "json/plain")
    assert(payload.data == '{"a":[true,null],"b":1}')
    assert(converter.decode(payload).a[2] == json.null)
  end,

  null_of_json_is_no_value = function()
    assert(converter.decode { metadata = { encoding = "json/plain" }, data = "null" } == nil)
  end,

  several_values_keep_their_places = function()
    local message = converter.encode_list({ 1, nil, "x" }, 3)
    local values, n = converter.decode_list(message)
    assert(n == 3 and values[1] == 1 and values[2] == nil and values[3] == "x")
    assert(converter.encode_list({}, 0) == nil)
    assert(select(2, converter.decode_list(nil)) == 0)
    assert(converter.decode_first(message) == 1 and converter.decode_first(nil) == nil)
  end,

  an_encoding_that_nobody_knows_is_named_with_those_that_are_known = function()
    local ok, err = pcall(converter.decode, { metadata = { encoding = "binary/encrypted" }, data = "x" })
    assert(not ok)
    assert(err == 'a payload has the encoding "binary/encrypted"; this worker reads binary/null, binary/plain, '
      .. "json/plain, json/protobuf", err)
    assert(not pcall(converter.decode, { data = "x" }))
  end,

  what_json_cannot_hold_is_refused = function()
    assert(not pcall(converter.encode, function() end))
    assert(not pcall(converter.encode, "caf\233"))
    assert(not pcall(converter.bytes, 5))
  end,
}

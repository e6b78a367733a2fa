-- Sums on a machine whose OpenSSL refuses them all: it has been told to use FIPS modules, and there are none.

local refused = require("checks").refused_with

return {
  { "a sum that OpenSSL refuses is an error, and no wrong sum", function()
    refused("ValueError", "this machine's OpenSSL refuses MD5", crypto.md5, "text")
    refused("ValueError", "this machine's OpenSSL refuses SHA256", crypto.hmac, "sha256", "key", "text")
    refused("ValueError", "this machine's OpenSSL refuses SHA1", crypto.start, "sha1")
  end },
}

---@meta crypto
-- What an editor knows about `crypto`. The module itself is C: runtime/activity/crypto.c. For activities; never waits.
--
-- Sums are bytes: `crypto.hex(crypto.sha256(text))` is what people read. One that this machine's OpenSSL is set up to
-- refuse, as MD5 under FIPS, is a ValueError.

---@class CryptoSum
local CryptoSum = {}

---Adds to what is summed; returns the sum.
---@param text string
---@return CryptoSum
function CryptoSum:add(text) end

---The sum's bytes. It takes no more then.
---@return string
function CryptoSum:finish() end

---@class cryptolib
crypto = {}

---The MD5 sum of a text, as bytes; crypto.hex makes digits of it.
---@param text string
---@return string bytes 16
function crypto.md5(text) end

---The SHA-1 sum of a text, as bytes; crypto.hex makes digits of it.
---@param text string
---@return string bytes 20
function crypto.sha1(text) end

---The SHA-256 sum of a text, as bytes; crypto.hex makes digits of it.
---@param text string
---@return string bytes 32
function crypto.sha256(text) end

---The SHA-512 sum of a text, as bytes; crypto.hex makes digits of it.
---@param text string
---@return string bytes 64
function crypto.sha512(text) end

---The HMAC of a text under a key, as bytes.
---@param kind "sha256"|"sha1"|"sha512"|"md5"
---@param key string
---@param text string
---@return string bytes
function crypto.hmac(kind, key, text) end

---A sum that is made piece by piece.
---@param kind "sha256"|"sha1"|"sha512"|"md5"
---@return CryptoSum
function crypto.start(kind) end

---A signature for the JSON Web Tokens of service accounts: RSASSA-PKCS1-v1_5 with SHA-256. The key shows as `***` in logs
---and errors from then on. Raises ValueError, which tells nothing of the key, when it is none.
---@param pem string an RSA private key in PEM form, without a passphrase
---@param text string
---@return string bytes
function crypto.rs256(pem, text) end

---Bytes as hexadecimal digits.
---@param bytes string
---@return string digits in lower case
function crypto.hex(bytes) end

---Raises ValueError for what is not pairs of hexadecimal digits.
---@param digits string
---@return string bytes
function crypto.unhex(digits) end

---Bytes as base64.
---@param bytes string
---@return string text padded
function crypto.base64(bytes) end

---Bytes as base64 for addresses and tokens.
---@param bytes string
---@return string text in the alphabet for URLs, without padding
function crypto.base64url(bytes) end

---Reads both alphabets, with padding or without. Raises ValueError for anything else.
---@param text string
---@return string bytes
function crypto.unbase64(text) end

---Bytes that nobody can guess, up to 1 MiB.
---@param count integer
---@return string bytes
function crypto.random(count) end

---A random UUID, version 4.
---@return string
function crypto.uuid() end

---Whether two texts are equal, in a time that does not tell where they differ: for tokens and signatures.
---@param a string
---@param b string
---@return boolean
function crypto.equal(a, b) end

return crypto

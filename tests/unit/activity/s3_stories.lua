-- Signatures against Amazon's published ones and those of the contract; names as dlt made them; files into plans.

local checks = require "checks"
local gunzip = require "native.gunzip"
local names = require "sync.names"
local native = require "native.csv"
local rate = require "sync.rate"
local signature = require "sync.signature"

local equal = checks.equal

local function signed(request)
  request.region = "us-east-1"
  return signature.sign(request).authorization:match "Signature=(%x+)$"
end

local function amazon(path, query, headers)
  headers.host = "examplebucket.s3.amazonaws.com"
  return signed { path = path, query = query, headers = headers, time = 1369353600, id = "AKIAIOSFODNN7EXAMPLE",
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" }
end

local function ours(path, query)
  return signed { path = path, query = query, headers = { host = "127.0.0.1:9000" }, time = 1768478400, id = "AKID",
    secret = "srTestSecretKeyForFakeServerOnly00000000" }
end

local function refused(kind, part, call, ...)
  local ok, err = pcall(call, ...)
  assert(not ok and err.type == kind, "expected " .. kind .. ", got " .. tostring(err))
  if not err.message:find(part, 1, true) then error(("%q is not in %q"):format(part, err.message), 2) end
end

return {
  { "Amazon's published examples come out as published", function()
    equal(amazon("/test.txt", {}, { range = "bytes=0-9" }), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    equal(amazon("/", { ["max-keys"] = "2", prefix = "J" }, {}), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
  end },

  { "the contract's vectors: prefixes, blanks in keys, tokens with + / =", function()
    equal(ours("/demo-exports", { ["list-type"] = "2", ["max-keys"] = "1000", prefix = "orders-create/" }),
      "c96802d2db4eac2f962adc0877b704f38369e860ea02e04377ae56266887ae80")
    equal(ours(signature.path "/demo-exports/orders-create/report_2026-01-14T1849_a b.csv", {}),
      "420ac0e637c9cba60d2cdbbb0a853a963dcfb9686d7196ecfd65d49244d92aa6")
    equal(ours("/demo-exports", { ["list-type"] = "2", prefix = "orders-create/", ["continuation-token"] = "abc+d/e==" }),
      "eff3e7ccba4be37517dd6921519c805d7e5757261b3f72977e7b842f6b244d88")
  end },

  { "a session's token is signed and sent", function()
    local headers = signature.sign { path = "/", query = {}, headers = { host = "h" }, time = 0, region = "r", id = "i", secret = "s",
      token = "t" }
    equal(headers["x-amz-security-token"], "t")
    assert(headers.authorization:find("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token", 1, true))
  end },

  { "paths are encoded once, by bytes, and keep their slashes", function()
    equal(signature.path "a b/c+d/é~-_.%20", "a%20b/c%2Bd/%C3%A9~-_.%2520")
  end },

  { "names are those of the old system", function()
    for text, name in pairs { ["Click ID"] = "click_id", ["Retries Left"] = "retries_left", ["Hold Type ID"] = "hold_type_id",
      CamelCase = "camel_case", ["7 Days"] = "_7_days", ["Total (USD)"] = "total_usdx", ["a+b"] = "axb", ["a-b"] = "a_b",
      ["me@x"] = "meax", ["a|b"] = "alb", [" a  b "] = "a_b", product_category = "product_category", HTTPServer = "http_server",
      ["#"] = "x" } do
      equal(names.snake(text), name)
    end
    equal(names.of_folder "orders-create/new/", "orders_create_new")
  end },

  { "CSV goes into a plan in pieces, with constants and the row's number", function()
    local reader = native.reader { header = false }
    reader:feed '\239\187\191Click ID,Note\r\n1,"a'
    equal(reader:next()[1], "Click ID")
    local plan = pages.plan { { "click_id", "text" }, { "note", "text" }, { "_file", "text!" }, { "_date", "text" }, { "_row", "int!" } }
    equal(reader:fill(plan, { "f.csv", json.null }), false)
    reader:feed '\r\nb\tc"\r\n2,\r\n'
    equal(reader:fill(plan, { "f.csv", json.null }), false)
    reader:finish()
    equal(reader:fill(plan, { "f.csv", json.null }), true)
    equal(plan:take():text(), "1\ta\\r\\nb\\tc\tf.csv\t\\N\t0\n2\t\tf.csv\t\\N\t1\n")
  end },

  { "a row of another length is an error with its line, a plan of another width a mistake", function()
    local function filled(text, columns)
      local reader = native.reader { header = false }
      reader:feed(text)
      reader:next()
      reader:finish()
      reader:fill(pages.plan(columns), { "f" })
    end
    local columns = { { "a", "text" }, { "b", "text" }, { "f", "text" }, { "n", "int" } }
    refused("VendorError", "csv: line 3: 3 fields", filled, "a,b\n1,2\n1,2,3\n", columns)
    refused("VendorError", "csv: line 2: 1 field,", filled, "a,b\n1\n", columns)
    refused("ValueError", "the plan has 4 columns for 3 fields", filled, "a,b,c\n1,2,3\n", columns)
    refused("ValueError", "a pages.plan is needed", native.reader({}).fill, native.reader {}, {}, {})
  end },

  { "gzip is unpacked in pieces, several texts behind each other are one", function()
    local packed = crypto.unbase64 "H4sIAAAAAAACA0vUSeIy1DHiAgB7B5cKCAAAAA=="
    local reader, out = gunzip.reader(), {}
    for at = 1, 2 * #packed, 7 do
      reader:feed((packed .. packed):sub(at, at + 6))
      for text in reader.next, reader do out[#out + 1] = text end
    end
    reader:finish()
    equal(table.concat(out), ("a,b\n1,2\n"):rep(2))
  end },

  { "gzip that ends early or is none is an error", function()
    local reader = gunzip.reader()
    reader:feed(crypto.unbase64 "H4sIAAAAAAACA0vUSeIy1DHiAg==")
    for _ in reader.next, reader do end
    refused("VendorError", "the end is missing", reader.finish, reader)
    reader = gunzip.reader()
    reader:feed "a,b\n1,2\n, and more of it"
    refused("VendorError", "gzip: ", reader.next, reader)
  end },

  { "a rate is a number by s, min or h", function()
    for _, word in ipairs { "20", "0/s", "20/day", "-1/s", "x/min" } do refused("ValueError", "like \"20/min\"", rate.new, word) end
  end },
}

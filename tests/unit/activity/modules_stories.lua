-- Files, sums, settings and the log as scripts see them. `folder` is an empty folder.

local checks = require "checks"

local refused, equal, has = checks.refused, checks.equal, checks.has

return {
  { "a file is written whole and read back", function()
    local path = folder .. "/a.txt"
    file.write(path, "one\0two")
    equal(file.read(path), "one\0two")
    file.write(path, "three")
    file.append(path, "+four")
    equal(file.read(path), "three+four")
    equal(file.look(path).size, 10)
    equal(file.look(path).kind, "file")
    file.rename(path, folder .. "/b.txt")
    equal(file.look(path), nil)
    file.remove(folder .. "/b.txt")
  end },

  { "folders are made, listed by name and removed", function()
    file.make_folder(folder .. "/x/y")
    file.make_folder(folder .. "/x/y")
    file.write(folder .. "/x/b", "")
    file.write(folder .. "/x/a", "12")
    local list = file.list(folder .. "/x")
    equal(#list, 3)
    equal(list[1].name .. list[2].name .. list[3].name, "aby")
    equal(list[1].size, 2)
    equal(list[3].kind, "folder")
    assert(list[1].modified > 1e9)
    has(refused("FileError", file.remove, folder .. "/x").message, "not empty")
    for _, name in ipairs { "/x/a", "/x/b", "/x/y", "/x" } do file.remove(folder .. name) end
  end },

  { "what the system refuses is a FileError with its code", function()
    local err = refused("FileError", file.read, folder .. "/none")
    equal(err.code, "ENOENT")
    equal(err.message, "reading " .. folder .. "/none: No such file or directory")
    refused("FileError", file.write, folder .. "/none/x", "y")
    refused("FileError", file.make_folder, folder .. "/secret/x")
    refused("FileError", file.list, folder .. "/secret")
    refused("FileError", file.read, folder)
    equal(refused("FileError", file.read, "/dev/zero").code, "EFBIG")
    refused("ValueError", file.read, "")
    refused("ValueError", file.write, folder .. "/x", nil)
  end },

  { "a spool takes much and gives it back in order", function()
    local spool = file.spool(folder)
    equal(#file.list(folder), 2)
    for i = 1, 40 do spool:write(("%04d"):format(i):rep(25000)) end
    local size, first, last = 0, nil, nil
    for chunk in spool:reader() do
      size, first, last = size + #chunk, first or chunk:sub(1, 4), chunk:sub(-4)
    end
    equal(size, 4000000)
    equal(first .. last, "00010040")
    local again = spool:reader()
    equal(again():sub(1, 4), "0001")
    local buffer, parts = pages.plan({ a = "text" }):take(), {}
    for chunk in spool:reader(buffer) do
      equal(chunk, buffer)
      parts[#parts + 1] = chunk:text()
    end
    local whole = table.concat(parts)
    equal(#whole .. whole:sub(1, 4) .. whole:sub(-4), "400000000010040")
    spool:close()
    refused("ValueError", spool.write, spool, "x")
  end },

  { "sums are those of everybody else", function()
    equal(crypto.hex(crypto.md5 "abc"), "900150983cd24fb0d6963f7d28e17f72")
    equal(crypto.hex(crypto.sha1 "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d")
    equal(crypto.hex(crypto.sha256 "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    equal(#crypto.sha512 "", 64)
    equal(crypto.hex(crypto.hmac("sha256", "key", "The quick brown fox jumps over the lazy dog")),
      "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8")
    local sum = crypto.start "sha256"
    equal(sum:add "a":add "bc":finish(), crypto.sha256 "abc")
    refused("ValueError", sum.add, sum, "d")
  end },

  { "an RSA signature is what the key's owner makes, and the key never shows", function()
    equal(crypto.hex(crypto.rs256(rsa_key, "hello")), rsa_signature)
    assert(crypto.rs256(rsa_key, "hello!") ~= crypto.rs256(rsa_key, "hello"))
    equal(#crypto.rs256(rsa_key, ""), 256)
    local message = "crypto.rs256 takes an RSA private key in PEM form, without a passphrase"
    for _, pem in ipairs { "", "no key", rsa_key:sub(1, 400), ec_key, locked_key } do
      equal(refused("ValueError", crypto.rs256, pem, "hello").message, message)
    end
    log.warning("key_used", { key = rsa_key })
  end },

  { "codes go both ways", function()
    local all = {}
    for i = 0, 255 do all[#all + 1] = string.char(i) end
    for length = 0, 256 do
      local text = table.concat(all, "", 1, length)
      equal(crypto.unhex(crypto.hex(text)), text)
      equal(crypto.unbase64(crypto.base64(text)), text)
      equal(crypto.unbase64(crypto.base64url(text)), text)
    end
    equal(crypto.base64 "a?>", "YT8+")
    equal(crypto.base64url "a?>~", "YT8-fg")
    equal(crypto.base64 "a", "YQ==")
    refused("ValueError", crypto.unhex, "abc")
    refused("ValueError", crypto.unhex, "zz")
    refused("ValueError", crypto.unbase64, "a!b=")
    refused("ValueError", crypto.unbase64, "abcde")
  end },

  { "chance is chance", function()
    equal(#crypto.random(16), 16)
    assert(crypto.random(16) ~= crypto.random(16))
    assert(crypto.uuid():match "^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$")
    equal(crypto.equal("a", "a"), true)
    equal(crypto.equal("a", "b"), false)
    equal(crypto.equal("a", "aa"), false)
  end },

  { "secrets come from the environment or a file, and never show", function()
    equal(secret "STORY_SECRET", "sesame-open")
    equal(secret "FILED_SECRET", "from a file")
    local err = refused("KeyError", secret, "NO_SUCH_SECRET")
    equal(err.message, "the secret NO_SUCH_SECRET is not set: set NO_SUCH_SECRET, or NO_SUCH_SECRET_FILE to a file that holds it")
    has(refused("KeyError", secret, "LOST_SECRET").message, "/nowhere/secret")
    local shown = refused("NetworkError", http.get, "http://127.0.0.1:1/sesame-open?x=sesame-open").message
    has(shown, "GET http://127.0.0.1:1/***?x=***")
  end },

  { "settings have defaults, or are missed by name", function()
    equal(setting("NO_SUCH_SETTING", "7"), "7")
    equal(setting("EMPTY_SETTING", "7"), "7")
    equal(setting "STORY_SECRET", "sesame-open")
    equal(refused("KeyError", setting, "NO_SUCH_SETTING").message, "the setting NO_SUCH_SETTING is not set")
  end },

  { "the log writes lines of fields, without secrets", function()
    log.info("rows_loaded", { source = "everflow", count = 3, list = { 1, 2 }, password = secret "STORY_SECRET" })
    log.debug("too_quiet", {})
    log.warning "plain"
    refused("ValueError", log.error, "broken", { f = print })
  end },

  { "a large JSON text is read as a small one is", function()
    local plain = require "json"
    local filler = "[" .. ('{"k":[1,"a"]},'):rep(6000) .. "[]]"
    local texts = {
      '{"a":{"b":[1,[2,{"c":null}],"\\u00e4\\n",true,false,{}],"n":12345678901234567890,"e":[]},"z":%s}',
      '[[],{},[[[1.5]]],"",%s]', '[%s,[1,2,[3]],{"a":[]}]', '%s',
    }
    for _, shape in ipairs(texts) do
      local text = shape:format(filler)
      local value = json.decode(text)
      equal(plain.encode(value), plain.encode(plain.decode(text)))
    end
    for _, shape in ipairs { '{"a":1,"a":%s}', '{"a":[1,}%s', '[%s] x', '[%s', '{"a":%s', '[%s,]', '\255%s' } do
      local text = shape:format(filler)
      local _, why = pcall(json.decode, text)
      local _, same = pcall(plain.decode, text)
      equal(tostring(why):match "json.decode: .*", tostring(same):match "json.decode: .*")
      assert(tostring(why):find "json.decode: line 1")
      equal(plain.encode(json.decode(filler)), filler)
    end
  end },

  { "cjson is there for scripts that expect it", function()
    local cjson = require "cjson"
    equal(cjson.encode { 1, 2 }, "[1,2]")
    equal(cjson.decode('{"a":{"b":[true]}}').a.b[1], true)
    assert(not pcall(cjson.decode, "{"))
  end },
}

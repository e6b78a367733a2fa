-- CSV as scripts see it.

local checks = require "checks"

local refused, equal = checks.refused_with, checks.equal

local function all(source, options)
  local list = {}
  for row, line in csv.rows(source, options) do list[#list + 1] = row; list[#list].line = line end
  return list
end

return {
  { "rows are tables by the first line's names", function()
    local rows = all '\239\187\191Click ID,E-Mail\r\n7,"a@b\n"\r\n\r\n8,\r\n'
    equal(#rows, 2)
    equal(rows[1]["Click ID"], "7")
    equal(rows[1]["E-Mail"], "a@b\n")
    equal(rows[1].line, 2)
    equal(rows[2]["E-Mail"], "")
    equal(rows[2].line, 5)
  end },

  { "a text comes in pieces as well, and the source may wait", function()
    local pieces, n = { "a,b\n1", ",2", "\n", "", '"x\n', 'y",z' }, 0
    local rows = all(function() n = n + 1; return pieces[n] end)
    equal(#rows, 2)
    equal(rows[2].a, "x\ny")
    equal(rows[2].b, "z")
  end },

  { "names may be given, or there are none", function()
    equal(all("1;2", { header = { "a", "b" }, separator = ";" })[1].b, "2")
    equal(all("1,2", { header = false })[1][2], "2")
    equal(all("a,b\n1", { short_rows = true })[1].b, nil)
    equal(#all "a,b\n", 0)
    equal(#all "", 0)
  end },

  { "what is wrong is refused with its place", function()
    refused("VendorError", "line 3: 1 field, expected 2", all, "a,b\n1,2\n3\n")
    refused("VendorError", "columns 1 and 3 are both named 'a'", all, "a,b,a\n")
    refused("VendorError", "column 2 has no name", all, "a,\n")
    refused("ValueError", "unknown option 'separater', did you mean 'separator'", all, "", { separater = ";" })
    refused("ValueError", "must be one ASCII character", all, "", { separator = ", " })
    refused("ValueError", "a chunk must be text, not 7", all, function() return 7 end)
  end },

  { "rows become text again", function()
    equal(csv.encode({ { id = 1, cost = 0.1, name = 'a "b"' }, { id = json.decode "12345678901234567890", cost = json.null } },
      { columns = { "id", "name", "cost" }, bom = true }),
      '\239\187\191id,name,cost\r\n1,"a ""b""",0.1\r\n12345678901234567890,,\r\n')
    equal(csv.encode({ { 1, true }, { "x", nil } }), "1,true\r\nx,\r\n")
    equal(csv.encode({ { a = 1 } }, { columns = { "a" }, header = false }), "1\r\n")
    equal(csv.encode({}), "")
    refused("ValueError", "row 1, column 2: a table is no field", csv.encode, { { 1, {} } })
    refused("ValueError", "row 2 has more fields than the first", csv.encode, { { 1 }, { 1, 2 } })
    refused("ValueError", "row 1 must be a table", csv.encode, { 7 })
  end },
}

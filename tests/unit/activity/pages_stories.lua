-- The page lane as scripts see it.

local checks = require "checks"

local refused, equal = checks.refused_with, checks.equal

local PAGE = '{"items":[{"id":12345678901234567890,"cost":"1.50","on":true},{"id":2,"cost":0.1,"tags":[1]}],"next":"abc\\n"}'

return {
  { "a plan counts what it takes and gives it out once", function()
    local plan = pages.plan { id = "numeric!", cost = "money" }
    equal(plan:add(PAGE, "items"), 2)
    equal(plan:add(PAGE, "items"), 2)
    equal(plan:rows(), 4)
    local buffer = plan:take()
    equal(buffer:text(), ("1.50\t12345678901234567890\n0.1\t2\n"):rep(2))
    equal(buffer:size(), #buffer:text())
    equal(plan:size(), 0)
    equal(plan:take():text(), "")
    equal(plan:rows(), 4)
  end },

  { "a buffer takes rows again, in the place of those it had", function()
    local plan = pages.plan { id = "numeric!" }
    plan:add(PAGE, "items")
    local buffer = plan:take()
    plan:row { id = 3 }
    equal(plan:take(buffer), buffer)
    equal(buffer:text(), "3\n")
    plan:row { id = 4 }
    equal(plan:take(buffer):text(), "4\n")
    equal(plan:take(buffer):text(), "")
    refused("ValueError", "a pages.buffer is needed", plan.take, plan, "x")
  end },

  { "a value behind the rows is found without reading them again", function()
    local plan = pages.plan { id = "numeric!" }
    local rows, at, size = plan:add(PAGE, "items")
    equal(rows, 2)
    equal(PAGE:sub(at, at + size - 1), PAGE:match "%b[]")
    equal(pages.scalar(PAGE, "next", at, size), "abc\n")
    equal(pages.scalar(PAGE, "items[2].id", at, size), 2)
    equal(select("#", plan:add('{"items":null}', "items")), 1)
    refused("ValueError", "no such part", pages.scalar, PAGE, "next", at, #PAGE)
    refused("ValueError", "no such part", pages.scalar, PAGE, "next", 0, 2)
    refused("ValueError", "not what was added", pages.scalar, PAGE, "next", at, size - 1)
  end },

  { "rows may be the members of an object, where the path ends in a star", function()
    local plan = pages.plan { id = "int!", name = "text" }
    equal(plan:add('{"total":"2","contacts":{"47":{"id":47,"name":"a"},"9":{"id":9}}}', "contacts.*"), 2)
    equal(plan:add('{"total":"0","contacts":[]}', "contacts.*"), 0)
    equal(plan:add('{"contacts":[{"id":3}]}', "contacts.*"), 1)
    equal(plan:add('{"x":{"id":4},"y":{"id":5}}', "*"), 2)
    equal(plan:add('{"a":{"*":[{"id":6}]}}', 'a."*"'), 1)
    equal(plan:take():text(), "47\ta\n9\t\\N\n3\t\\N\n4\t\\N\n5\t\\N\n6\t\\N\n")
    refused("VendorError", "expected a list of rows at 'contacts', found an object", plan.add, plan, '{"contacts":{"1":{}}}', "contacts")
    refused("VendorError", "row 2: id: expected an integer", plan.add, plan, '{"contacts":{"1":{"id":1},"2":{"id":"x"}}}', "contacts.*")
    refused("VendorError", "expected a list of rows at 'contacts', found a single value", plan.add, plan, '{"contacts":7}', "contacts.*")
    refused("VendorError", "there is no 'contacts'; there is errors", plan.add, plan, '{"errors":[]}', "contacts.*")
    refused("VendorError", "occurs twice", plan.add, plan, '{"contacts":{"1":{"id":1}},"contacts":{}}', "contacts.*")
    equal(plan:size(), 0)
  end },

  { "columns come in the order of a list, else of their names", function()
    equal(table.concat(pages.plan({ b = "int", a = "text" }):column_names(), ","), "a,b")
    equal(table.concat(pages.plan({ { "b", "int" }, { "a", "text" } }):column_names(), ","), "b,a")
    local column = pages.plan({ { "cost", "money! at cost | spend" } }):columns()[1]
    equal(column.name, "cost")
    equal(column.type, "numeric")
    equal(column.required, true)
    equal(column.at, "cost | spend")
    equal(column.found, 0)
  end },

  { "a mapped row follows the rules of its columns", function()
    local plan = pages.plan({ { "day", "date" }, { "id", "int!" }, { "cost", "money" }, { "label", "text" }, { "on", "bool" },
      { "more", "jsonb" } }, { tz = "America/New_York" })
    plan:row { day = "2026-01-15T01:00:00Z", id = json.decode "1234567890123456789", cost = 0.1 + 0.2, label = "a\tb\0", on = true,
      more = { x = json.array {} } }
    plan:row { id = 7, label = json.null, cost = "12.30" }
    equal(plan:take():text(), '2026-01-14\t1234567890123456789\t0.30000000000000004\ta\\tb\ttrue\t{"x":[]}\n'
      .. "\\N\t7\t12.30\t\\N\t\\N\t\\N\n")
    equal(plan:nuls(), 1)
    refused("ValueError", "there is no column 'csot'", plan.row, plan, { id = 1, csot = 2 })
    refused("VendorError", "required id (at id) is missing", plan.row, plan, { cost = 1 })
    refused("VendorError", "row 3: id: expected an integer of 64 bits, found 1.5", plan.row, plan, { id = 1.5 })
    refused("VendorError", "expected text (jsonb takes objects and lists), found [1]", plan.row, plan, { id = 1, label = { 1 } })
    refused("ValueError", "infinity is no number", plan.row, plan, { id = 1, cost = 1 / 0 })
    refused("ValueError", "not UTF-8", plan.row, plan, { id = 1, label = "\255" })
    refused("ValueError", "value.f: a function", plan.row, plan, { id = 1, more = { f = print } })
    equal(plan:rows(), 2)
    equal(plan:size(), 0)
  end },

  { "rows reach Lua one at a time, exact", function()
    local seen = {}
    for row in pages.rows(PAGE, "items") do seen[#seen + 1] = tostring(row.id) .. " " .. row.cost end
    equal(table.concat(seen, ";"), "12345678901234567890 1.50;2 0.1")
    for _ in pages.rows('{"items":null}', "items") do error "a row from null" end
    refused("VendorError", "there is no list 'rows'; there is items, next", pages.rows, PAGE, "rows")
    refused("VendorError", "row 2: line 1, column", function()
      for _ in pages.rows '[{"a":1},{"a":]' do equal(1, 1) end
    end)
    refused("VendorError", "the end of the text", function()
      for _ in pages.rows '[{"a":1}' do equal(1, 1) end
    end)
  end },

  { "a scalar comes without its page", function()
    equal(pages.scalar(PAGE, "next"), "abc\n")
    equal(pages.scalar(PAGE, "items[2].cost"), 0.1)
    equal(tostring(pages.scalar(PAGE, "items[1].id")), "12345678901234567890")
    equal(pages.scalar(PAGE, "nothing.here"), nil)
    refused("ValueError", "is a list", pages.scalar, PAGE, "items")
    refused("VendorError", "expected a value", pages.scalar, "<html>", "x")
  end },

  { "a plan that infers takes pages and rows, and old rows are filled up", function()
    local plan = pages.plan "infer"
    plan:add('[{"a":1,"n":null}]')
    local first = plan:take()
    equal(first:columns(), 1)
    plan:add('[{"a":2.5,"b":{"c":"x"}}]')
    plan:row { n = true, a = 3 }
    equal(plan:take():text(), "2.5\tx\t\\N\n3\t\\N\ttrue\n")
    equal(first:pad(3):text(), "1\t\\N\t\\N\n")
    local list = {}
    for i, column in ipairs(plan:columns()) do list[i] = column.name .. " " .. column.type end
    equal(table.concat(list, ", "), "a numeric, b__c text, n boolean")
    refused("VendorError", "row 1: expected an object", plan.add, plan, "[5]")
  end },

  { "a wrong plan is refused when it is made", function()
    refused("ValueError", "column a: 'itn'", pages.plan, { a = "itn" })
    refused("ValueError", "no time zone 'Mars'", pages.plan, { a = "int" }, { tz = "Mars" })
    refused("ValueError", "unknown option 'zone', did you mean 'tz'", pages.plan, { a = "int" }, { zone = "UTC" })
    refused("ValueError", "there are no columns", pages.plan, {})
    refused("ValueError", "columns must be a table", pages.plan, 7)
    refused("ValueError", "call it with a colon", pages.plan({ a = "int" }).add, {}, "[]")
  end },

  { "days and their beginnings are the zone's", function()
    local zone = require "zone"
    equal(zone.date(1768366800, "America/New_York"), "2026-01-14")
    equal(zone.date(1768366799.5, "America/New_York"), "2026-01-13")
    equal(zone.start("2026-01-14", "America/New_York"), 1768366800)
    equal(zone.start("2026-03-09", "America/New_York") - zone.start("2026-03-08", "America/New_York"), 23 * 3600)
    equal(zone.offset(1768366800, "Asia/Kolkata"), 19800)
    refused("ValueError", "'Mars Base' is not the name of a time zone", zone.date, 0, "Mars Base")
    refused("ValueError", "must be a date", zone.start, "2026-02-30", "UTC")
    refused("ValueError", "seconds since 1970", zone.date, "0", "UTC")
  end },
}

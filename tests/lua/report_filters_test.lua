local channels = require "report.channels"
local filters = require "report.filters"

local function filtered(name, ...)
  return filters[name].run(channels.text, ...)
end

local function expect(name, cases)
  for _, case in ipairs(cases) do
    local wanted, got = case[1], filtered(name, unpack(case, 2, 4))
    assert(got == wanted, ("%s(%s, %s): %s, not %s"):format(name, tostring(case[2]), tostring(case[3]), tostring(got), tostring(wanted)))
  end
end

return {
  currency_is_that_of_the_old_system = function()
    expect("currency", { { "$1,234.50", 1234.5 }, { "$0.00", nil }, { "$-5.00", -5 }, { "$2.67", 2.675 }, { "€1,000,000.00", 1e6, "€" },
      { "$0.00", -0.001 }, { "$999,999.99", 999999.99 } })
  end,

  money_as_text_is_rounded_without_a_double = function()
    expect("currency", { { "$9,300.50", "9300.50" }, { "$2.68", "2.675" }, { "$-2.68", "-2.675" }, { "$1,000.00", "999.995" },
      { "$12,345,678,901,234,567.89", "12345678901234567.885" }, { "$0.01", "0.005" }, { "$0.00", "0.0049" },
      { "$26.57", "26.5728571428571429" } })
  end,

  number_cuts_and_with_digits_rounds = function()
    expect("number", { { "1,234", 1234.9 }, { "-1,234", -1234.9 }, { "0", nil }, { "1,234.57", 1234.567, 2 }, { "1,234", "1234.9" },
      { "0", -0.9 }, { "1,234.57", "1234.565", 2 }, { "100", 100 } })
  end,

  percent_takes_what_is_percent_already = function()
    expect("percent", { { "12.3%", 12.345 }, { "0.0%", 0 }, { "0%", nil }, { "12.35%", "12.345", 2 }, { "1234.5%", 1234.5 } })
  end,

  delta_shows_its_sign = function()
    expect("delta", { { "+3.00", 3 }, { "-3.46", -3.456 }, { "0.00", 0 }, { "0", nil }, { "0.00", "-0.001" }, { "+0.01", "0.005" } })
  end,

  date_has_formats_and_leaves_alone_what_is_none = function()
    expect("date", { { "Jan 04, 2026", "2026-01-04" }, { "Sunday, January 04, 2026", "2026-01-04", "%A, %B %d, %Y" },
      { "01/04", "2026-01-04", "%m/%d" }, { "soon", "soon" }, { "2026-02-30", "2026-02-30" }, { "", nil },
      { "17:45", "2026-01-04 17:45:10+00", "%H:%M" } })
  end,

  cut_counts_characters_and_not_bytes = function()
    expect("cut", { { "abc", "abc", 3 }, { "abc...", "abcd", 3 }, { "éé...", "ééé", 2 }, { "", nil, 3 }, { "...", "a", 0 } })
  end,

  what_is_no_number_is_refused = function()
    for _, value in ipairs { "12a", "", {}, true, 0 / 0, "NaN", "Infinity" } do
      local ok, problem = pcall(filtered, "currency", value)
      assert(not ok and problem:find("currency takes a number", 1, true), tostring(value))
    end
  end,
}

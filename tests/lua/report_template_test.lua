local channels = require "report.channels"
local json = require "json"
local template = require "report.template"

local function rendered(text, values, channel)
  return template.compile(text, "t.tpl"):render(values or {}, channels[channel or "text"], { empty = true })
end

local function expect(wanted, text, values, channel)
  local got = rendered(text, values, channel)
  assert(got == wanted, ("%q gave %q, not %q"):format(text, got, wanted))
end

local function refused(wanted, text, values)
  local ok, err = pcall(rendered, text, values)
  assert(not ok, "taken: " .. text)
  assert(err.type == "TemplateError" and err.message == wanted, tostring(err.message))
end

return {
  values_fields_and_filters = function()
    expect("a 1 2.5 true ", "a {{ one }} {{ t.half }} {{ yes }} {{ empty }}", { one = 1, t = { half = 2.5 }, yes = true })
    expect("$3.00 / n/a", "{{ 3|currency }} / {{ empty|default('n/a') }}")
    expect("x", "{{ nothing|default('x') }}", { nothing = json.null })
    expect("", "{{ gone.field }}", { gone = json.null })
    expect("9007199254740991 0.1", "{{ big }} {{ small }}", { big = 2 ^ 53 - 1, small = 0.1 })
  end,

  a_tag_alone_on_its_line_leaves_no_line = function()
    expect("a\nb\nc", "a\n{% if yes %}\n  {# said #}\nb\n{% endif %}\nc\n", { yes = true })
    expect("- 1\n- 2\n", "{% for n in list %}\n- {{ n }}\n  {% endfor %}\n", { list = { 1, 2 } })
    expect("b\nc", "\239\187\191{% if yes %}\r\nb\r\n{% endif %}\r\nc\r\n", { yes = true }) -- as Windows saves it
    expect("one  two", "one {% if yes %} two{% endif %}", { yes = true })
  end,

  the_first_branch_that_holds_is_taken = function()
    local text = "{% if n > 2 and n != 5 %}big{% elif not n or n == 1 %}small{% else %}other{% endif %}"
    for n, wanted in pairs { [0] = "small", "small", "other", "big", "big", "other" } do expect(wanted, text, { n = n }) end
    expect("yes", "{% if cost >= 26.5 and label < 'b' and cost == '26.50' %}yes{% endif %}", { cost = "26.50", label = "a" })
    for _, nothing in ipairs { false, 0, "", "0.00", {}, json.null } do
      expect("no", "{% if v %}yes{% else %}no{% endif %}", { v = nothing })
    end
    expect("yes", "{% if (a or b) and not c %}yes{% endif %}", { a = 0, b = 1, c = false })
    expect("null", "{% if empty == none %}null{% endif %}")
  end,

  loops_know_where_they_are = function()
    local text = "{% for x in list %}{{ loop.index }}:{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}"
    expect("1:a, 2:b", text, { list = { "a", "b" } })
    expect("a=1;b=2;", "{% for k, v in t %}{{ k }}={{ v }};{% endfor %}", { t = { b = 2, a = 1 } })
    expect("none", "{% for x in list %}{{ x }}{% else %}none{% endfor %}", { list = {} })
    expect("11 12 21 22 ", "{% for a in l %}{% for b in l %}{{ a }}{{ b }} {% endfor %}{% endfor %}", { l = { 1, 2 } })
    expect("1 2 ", "{% for x in l|first(2) %}{{ x }} {% endfor %}", { l = { 1, 2, 3 } })
  end,

  values_are_escaped_as_the_channel_wants_and_the_template_is_not = function()
    local values = { v = "<a & 'b'>", url = "https://x/?a=1&b=2" }
    expect("> &lt;a &amp; 'b'&gt;", "> {{ v }}", values, "slack")
    expect("<b>&lt;a &amp; &#39;b&#39;&gt;</b>", "<b>{{ v }}</b>", values, "html")
    expect("<a & 'b'>", "{{ v }}", values, "text")
    expect("<https://x/?a=1&amp;b=2|more &gt;>", "{{ url|link('more >') }}", values, "slack")
    expect('<a href="https://x/?a=1&amp;b=2">more</a>', "{{ url|link('more') }}", values, "html")
    expect("more (https://x/?a=1&b=2)", "{{ url|link('more') }}", values, "text")
    expect("<a & 'b'>", "{{ v|raw }}", values, "html")
  end,

  mistakes_are_refused_with_their_line_when_compiled = function()
    refused('t.tpl:2: there is no filter "curency"; did you mean "currency"?', "a\n{{ x|curency }}")
    refused("t.tpl:3: {% if x %} has no end", "a\n\n{% if x %}\nb")
    refused("t.tpl:1: {% endif %} without its beginning", "{% endif %}")
    refused('t.tpl:1: there is no tag "fro"; did you mean "for"?', "{% fro x in y %}")
    refused("t.tpl:1: for is written {% for row in rows %} or {% for key, value in rows %}", "{% for x %}{% endfor %}")
    refused("t.tpl:1: {{ has no }}", "{{ x")
    refused("t.tpl:1: an expression is missing", "{{ }}")
    refused('t.tpl:1: ")" is missing at the end', "{{ (x }}")
    refused('t.tpl:1: "+" is not understood here', "{{ x + 1 }}")
    refused("t.tpl:1: date takes 1 argument at most", "{{ x|date(1, 2) }}")
    refused("t.tpl:1: cut takes 1 argument", "{{ x|cut }}")
  end,

  names_that_nobody_gave_and_wrong_values_are_refused_when_rendered = function()
    refused('t.tpl:2: there is no value "totl"; did you mean "total"?', "\n{{ totl }}", { total = 1 })
    refused('t.tpl:1: there is no value "cpa"', "{{ row.cpa }}", { row = { x = 1 } })
    refused('t.tpl:1: total is a number and has no "x"', "{{ total.x }}", { total = 1 })
    refused('t.tpl:1: currency takes a number, not "abc"', "{{ v|currency }}", { v = "abc" })
    refused("t.tpl:1: a list is shown by {% for %}", "{{ v }}", { v = { 1 } })
    refused("t.tpl:1: null and number have no order", "{% if empty < 1 %}{% endif %}")
    refused("t.tpl:1: for goes through a list, not through a number", "{% for x in v %}{% endfor %}", { v = 1 })
  end,
}

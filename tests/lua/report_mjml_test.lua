local mjml = require "report.mjml"
local template = require "report.template"

local MAIL = [[
<mjml>
  <mj-head>
    <mj-title>The day</mj-title>
    <mj-attributes><mj-all color="#111111" /><mj-text font-size="15px" /><mj-section background-color="#eeeeee" /></mj-attributes>
    <mj-style>.big { font-size: 30px; }</mj-style>
  </mj-head>
  <mj-body background-color="#dddddd">
    <!-- two columns -->
    <mj-section>
      <mj-column><mj-text>Left <b>bold</b></mj-text></mj-column>
      <mj-column><mj-text color="#222222" css-class="big">Right &amp; <a href="https://x.test/a">more</a></mj-text></mj-column>
    </mj-section>
    <mj-section>
      <mj-column>
        <mj-divider border-width="1px" />
        <mj-table><tr><td>Ada</td>
 <td>7</td></tr><tr><td>Bea &#233;</td><td>8</td></tr></mj-table>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>]]

local function has(text, part)
  assert(text:find(part, 1, true), ("%s is not in %s"):format(part, text))
end

local function refused(wanted, text)
  local ok, err = pcall(mjml.html, text, "m.mjml")
  assert(not ok and err.message == wanted, tostring(not ok and err.message))
end

local function body(inner)
  return "<mjml><mj-body>\n" .. inner .. "</mj-body></mjml>"
end

return {
  it_becomes_tables_with_inline_styles = function()
    local html = mjml.html(MAIL, "m.mjml")
    has(html, "<title>The day</title>")
    has(html, ".big { font-size: 30px; }")
    has(html, '<body style="background-color:#dddddd">')
    has(html, '<td class="column" width="50%"')
    has(html, "color:#111111;font-family:Helvetica, Arial, sans-serif;font-size:15px") -- mj-all, and mj-text's own
    has(html, '<td class="big" style="color:#222222') -- the tag over both
    has(html, "border-top:1px solid #000000")
    has(html, "<tr><td>Ada</td>\n <td>7</td></tr>")
    assert(not html:find "<mj", "a tag of MJML is left")
    local opened, closed = select(2, html:gsub("<table", "")), select(2, html:gsub("</table>", ""))
    assert(opened == closed and opened > 5)
  end,

  its_text_can_be_read_without_a_browser = function()
    assert(mjml.text(MAIL, "m.mjml") == "Left bold\n\nRight & more (https://x.test/a)\n\n---\n\nAda  7\nBea é  8",
      mjml.text(MAIL, "m.mjml"))
  end,

  mistakes_are_refused_with_their_line = function()
    refused("m.mjml:2: <mj-body> takes no <mj-sektion>; did you mean \"mj-section\"?", body "<mj-sektion></mj-sektion>")
    refused("m.mjml:2: <mj-section> has no attribute \"colour\"; there are background-color, border, css-class, padding, padding-bottom, "
      .. "padding-left, padding-right, padding-top, text-align", body '<mj-section colour="red"></mj-section>')
    refused("m.mjml:3: <mj-text> has no end", body "<mj-section><mj-column>\n<mj-text>x</mj-column></mj-section>")
    refused("m.mjml:2: </mj-section> where <mj-column> is open", body "<mj-section><mj-column></mj-section>")
    refused("m.mjml:2: text belongs into <mj-text> or <mj-table>", body "words")
    refused("m.mjml:2: attributes are written name=\"value\", not padding=0", body "<mj-section padding=0></mj-section>")
    refused("m.mjml:1: one <mjml> is needed, there are 0", "")
    refused("m.mjml:1: <mjml> has no end", "<mjml>")
  end,

  a_template_can_be_checked_before_it_has_values = function()
    local blank = template.blank('<mj-text color="{{ c }}">{% if a < b %}\n{{ x }}{% endif %}</mj-text>')
    assert(blank == '<mj-text color="xxxxxxx">' .. (" "):rep(14) .. "\nxxxxxxx" .. (" "):rep(11) .. "</mj-text>", blank)
  end,
}

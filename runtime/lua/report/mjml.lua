-- MJML to HTML that mail programs understand: tables within tables, inline styles, one place where narrow screens put
-- columns below each other. Eleven tags of MJML are known; what is not is refused with its line.

local markup = require "report.markup"

local mjml = {}

local DEFAULT_WIDTH = "600px"

-- What MJML takes when nobody says otherwise.
local DEFAULTS = {
  ["mj-body"] = { width = DEFAULT_WIDTH },
  ["mj-section"] = { padding = "20px 0" },
  ["mj-column"] = { ["vertical-align"] = "top" },
  ["mj-text"] = { align = "left", color = "#000000", padding = "10px 25px", ["font-family"] = "Helvetica, Arial, sans-serif",
    ["font-size"] = "13px", ["line-height"] = "1.4" },
  ["mj-table"] = { align = "left", color = "#000000", padding = "10px 25px", ["font-family"] = "Helvetica, Arial, sans-serif",
    ["font-size"] = "13px", ["line-height"] = "22px", width = "100%" },
  ["mj-divider"] = { padding = "10px 25px", ["border-width"] = "4px", ["border-style"] = "solid", ["border-color"] = "#000000",
    width = "100%" },
}

local HEAD = [[
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@title@</title>
<style>
body { margin: 0; padding: 0; -webkit-text-size-adjust: 100%; }
table { border-collapse: collapse; }
@media (max-width: 480px) { .column { display: block !important; width: 100% !important; box-sizing: border-box; } }
@style@</style>
</head>
<body style="@body@">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="@body@"><tr><td align="center">
<table role="presentation" width="@width@" cellpadding="0" cellspacing="0" border="0" style="width:100%;max-width:@max_width@">
]]

local TABLE = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">\n'
local FOOT = "</table>\n</td></tr></table>\n</body>\n</html>\n"

local function children(node, name)
  local found = {}
  for _, child in ipairs(node.children) do
    if child.name == name then found[#found + 1] = child end
  end
  return found
end

-- Attributes of a tag: MJML's own, mj-all's, those of mj-attributes for its kind, the tag's.
local function resolve(head, node)
  local values = {}
  for _, from in ipairs { DEFAULTS[node.name] or {}, head.all or {}, head[node.name] or {}, node.attributes } do
    for key, value in pairs(from) do values[key] = value end
  end
  return values
end

local STYLES = { "background-color", "border", "border-radius", "color", "font-family", "font-size", "font-style", "font-weight",
  "line-height", "padding", "padding-top", "padding-right", "padding-bottom", "padding-left", "text-align", "text-decoration",
  "vertical-align", "width" }

local function style_of(values)
  local parts = {}
  for _, key in ipairs(STYLES) do
    if values[key] then parts[#parts + 1] = key .. ":" .. values[key] end
  end
  return table.concat(parts, ";")
end

local function only(values, ...)
  local kept = {}
  for _, key in ipairs { ... } do kept[key] = values[key] end
  return kept
end

local function class_of(values, own)
  local names = { own }
  names[#names + 1] = values["css-class"]
  return #names > 0 and (' class="%s"'):format(table.concat(names, " ")) or ""
end

local BOX = { "background-color", "border", "padding", "padding-top", "padding-right", "padding-bottom", "padding-left" }
local TYPE = { "color", "font-family", "font-size", "font-style", "font-weight", "line-height", "text-decoration" }

local function box(values)
  return only(values, unpack(BOX))
end

local render = {}

render["mj-text"] = function(node, values)
  local style = box(values)
  for _, key in ipairs(TYPE) do style[key] = values[key] end
  style["text-align"] = values.align
  return ('<tr><td%s style="%s">%s</td></tr>\n'):format(class_of(values), style_of(style), node.text)
end

render["mj-table"] = function(node, values)
  local style = only(values, unpack(TYPE))
  style.width, style["text-align"] = values.width, values.align
  return ('<tr><td%s style="%s"><table width="100%%" cellpadding="0" cellspacing="0" border="0" style="%s">%s</table></td></tr>\n')
    :format(class_of(values), style_of(box(values)), style_of(style), node.text)
end

render["mj-divider"] = function(_, values)
  local line = ("%s %s %s"):format(values["border-width"], values["border-style"], values["border-color"])
  return ('<tr><td%s style="%s"><p style="border-top:%s;font-size:1px;margin:0 auto;width:%s"></p></td></tr>\n')
    :format(class_of(values), style_of(box(values)), line, values.width)
end

local function column(head, node, share)
  local values = resolve(head, node)
  local width = values.width or ("%.4g%%"):format(share)
  local style = box(values)
  style.width, style["vertical-align"] = width, values["vertical-align"]
  local rows = {}
  for _, child in ipairs(node.children) do rows[#rows + 1] = render[child.name](child, resolve(head, child)) end
  return ('<td%s width="%s" style="%s">\n%s%s</table>\n</td>\n'):format(class_of(values, "column"), width, style_of(style), TABLE,
    table.concat(rows))
end

local function section(head, node)
  local values = resolve(head, node)
  local style = box(values)
  style["text-align"] = values["text-align"]
  local columns, cells = children(node, "mj-column"), {}
  for i, child in ipairs(columns) do cells[i] = column(head, child, 100 / #columns) end
  return ('<tr><td%s style="%s">\n%s<tr>\n%s</tr></table>\n</td></tr>\n'):format(class_of(values), style_of(style), TABLE,
    table.concat(cells))
end

-- { all =, ["mj-text"] = ..., title =, style = }
local function head_of(root)
  local head = { title = "", style = "" }
  for _, node in ipairs((children(root, "mj-head")[1] or { children = {} }).children) do
    if node.name == "mj-title" then head.title = node.text end
    if node.name == "mj-style" then head.style = head.style .. node.text .. "\n" end
    for _, defaults in ipairs(node.name == "mj-attributes" and node.children or {}) do
      head[defaults.name == "mj-all" and "all" or defaults.name] = defaults.attributes
    end
  end
  return head
end

local function parts_of(text, name)
  local root = markup.parse(text, name)
  return head_of(root), children(root, "mj-body")[1] or { name = "mj-body", attributes = {}, children = {} }
end

--- The HTML of a MJML text. Raises a TemplateError with name:line for what is not MJML as it is known here.
---@param text string
---@param name string what errors call it
---@return string html
function mjml.html(text, name)
  local head, body = parts_of(text, name)
  local values = resolve(head, body)
  local words = { title = head.title, style = head.style, body = style_of(only(values, "background-color")),
    width = values.width:match "^%d+" or "600", max_width = values.width }
  local out = { (HEAD:gsub("@(%l[%l_]*)@", words)) }
  for _, child in ipairs(body.children) do out[#out + 1] = section(head, child) end
  out[#out + 1] = FOOT
  return table.concat(out)
end

--- The same mail as plain text.
---@param text string
---@param name string
---@return string text
function mjml.text(text, name)
  local _, body = parts_of(text, name)
  local out = {}
  local function add(node)
    if node.name == "mj-divider" then out[#out + 1] = "---" end
    if node.text then out[#out + 1] = markup.plain(node.text) end
    for _, child in ipairs(node.children) do add(child) end
  end
  add(body)
  return (table.concat(out, "\n\n"):gsub("\n\n\n+", "\n\n"))
end

return mjml

-- Reads MJML: a tree of its tags. What is inside of mj-text and mj-table is HTML and stays text. And HTML as plain text.

local errors = require "errors"
local nearest = require "nearest"
local sorted_keys = require "sorted_keys"

local markup = {}

local BOX = { "background-color", "border", "padding", "padding-top", "padding-right", "padding-bottom", "padding-left", "css-class" }
local TYPE = { "align", "color", "font-family", "font-size", "font-style", "font-weight", "line-height", "text-decoration" }

local function set(...)
  local known = {}
  for _, list in ipairs { ... } do
    for _, word in ipairs(list) do known[word] = true end
  end
  return known
end

-- Which tags a tag may hold ("" is the top), whether its inside is text, and its attributes.
local TAGS = {
  [""] = { holds = set { "mjml" } },
  mjml = { holds = set { "mj-head", "mj-body" } },
  ["mj-head"] = { holds = set { "mj-title", "mj-attributes", "mj-style" } },
  ["mj-title"] = { text = true },
  ["mj-style"] = { text = true },
  ["mj-attributes"] = { holds = set { "mj-all", "mj-text", "mj-section", "mj-column", "mj-table", "mj-divider" } },
  ["mj-all"] = { holds = {}, attributes = set(BOX, TYPE) },
  ["mj-body"] = { holds = set { "mj-section" }, attributes = set { "background-color", "width" } },
  ["mj-section"] = { holds = set { "mj-column" }, attributes = set(BOX, { "text-align" }) },
  ["mj-column"] = { holds = set { "mj-text", "mj-table", "mj-divider" }, attributes = set(BOX, { "width", "vertical-align" }) },
  ["mj-text"] = { text = true, attributes = set(BOX, TYPE) },
  ["mj-table"] = { text = true, attributes = set(BOX, TYPE, { "width" }) },
  ["mj-divider"] = { holds = {}, attributes = set(BOX, { "border-color", "border-style", "border-width", "width" }) },
}

local function refuse(reader, at, format, ...)
  local line = 1 + select(2, reader.text:sub(1, at - 1):gsub("\n", ""))
  error(errors.ApplicationError { type = "TemplateError", non_retryable = true,
    message = ("%s:%d: %s"):format(reader.name, line, format:format(...)) }, 0)
end

local function suggestion(word, known)
  local list = sorted_keys(known)
  local close = nearest.word(word, list)
  return close and ("; did you mean %q?"):format(close) or #list > 0 and "; there are " .. table.concat(list, ", ") or ""
end

local function attributes_of(reader, at, name, words)
  local known, found = TAGS[name].attributes or {}, {}
  local rest = words:gsub('([%w-]+)%s*=%s*"([^"]*)"', function(key, value)
    if not known[key] then refuse(reader, at, "<%s> has no attribute %q%s", name, key, suggestion(key, known)) end
    found[key] = value
    return ""
  end)
  if rest:find "%S" then refuse(reader, at, 'attributes are written name="value", not %s', rest:match "^%s*(.-)%s*$") end
  return found
end

local read_children

local function read_text(reader, node, at)
  local from, to = reader.text:find("</" .. node.name:gsub("%-", "%%-") .. "%s*>", reader.at)
  if not from then refuse(reader, at, "<%s> has no end", node.name) end
  node.text, reader.at = reader.text:sub(reader.at, from - 1), to + 1
end

local function read_tag(reader, parent)
  local at = reader.at
  local name, words, slash, stop = reader.text:match('^<([%w-]+)([^<>]-)(/?)>()', at)
  if not name then refuse(reader, at, "a tag is not closed by >") end
  if not TAGS[parent.name].holds[name] then
    refuse(reader, at, "%s takes no <%s>%s", parent.name == "" and "the top" or "<" .. parent.name .. ">", name,
      suggestion(name, TAGS[parent.name].holds))
  end
  local own = parent.name == "mj-attributes"
  local node = { name = name, attributes = attributes_of(reader, at, name, words), children = {} }
  reader.at = stop
  if slash == "/" then return node end
  if own then
    refuse(reader, at, "<%s> in <mj-attributes> ends in />", name)
  elseif TAGS[name].text then
    read_text(reader, node, at)
  else
    read_children(reader, node, at)
  end
  return node
end

function read_children(reader, node, opened)
  while true do
    reader.at = reader.text:find("%S", reader.at) or #reader.text + 1
    if reader.at > #reader.text then
      if node.name == "" then return end
      refuse(reader, opened, "<%s> has no end", node.name)
    end
    local comment = reader.text:match("^<!%-%-.-%-%->()", reader.at)
    local closed, stop = reader.text:match("^</([%w-]+)%s*>()", reader.at)
    if closed and closed ~= node.name then refuse(reader, reader.at, "</%s> where <%s> is open", closed, node.name) end
    if closed then
      reader.at = stop
      return
    elseif comment then
      reader.at = comment
    elseif reader.text:find("^<", reader.at) then
      node.children[#node.children + 1] = read_tag(reader, node)
    else
      refuse(reader, reader.at, "text belongs into <mj-text> or <mj-table>")
    end
  end
end

--- The tree of a MJML text: { name, attributes, children, text? }.
---@param text string
---@param name string what errors call it
---@return table mjml the tag <mjml>
function markup.parse(text, name)
  local reader, top = { text = text, name = name, at = 1 }, { name = "", children = {} }
  read_children(reader, top, 1)
  if #top.children ~= 1 then refuse(reader, 1, "one <mjml> is needed, there are %d", #top.children) end
  return top.children[1]
end

-- --- HTML as plain text ---

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', nbsp = " ", middot = "·", bull = "•", ndash = "-", mdash = "-" }
local BREAKS = { br = "\n", p = "\n\n", div = "\n", tr = "\n", table = "\n\n", h1 = "\n\n", h2 = "\n\n", h3 = "\n\n", li = "\n",
  td = "  ", th = "  " }

-- A code point in UTF-8.
local function character(code)
  code = tonumber(code)
  if code < 0x80 then return string.char(code) end
  if code > 0x10ffff then return "" end
  local tail, first = "", code < 0x800 and 0xc0 or code < 0x10000 and 0xe0 or 0xf0
  for _ = 1, code < 0x800 and 1 or code < 0x10000 and 2 or 3 do
    tail, code = string.char(0x80 + code % 64) .. tail, math.floor(code / 64)
  end
  return string.char(first + code) .. tail
end

--- HTML as people read it without a browser: cells apart by blanks, links with their address behind.
---@param html string
---@return string
function markup.plain(html)
  local text = html:gsub("<!%-%-.-%-%->", ""):gsub("%s+", " ")
  text = text:gsub('<a%s[^>]-href="([^"]*)"[^>]*>(.-)</a>', function(url, label)
    return url == label and url or ("%s (%s)"):format(label, url)
  end)
  text = text:gsub("<(/?)(%w+)[^>]*>", function(slash, name)
    local tag = name:lower()
    if tag == "br" or slash == "/" then return BREAKS[tag] or "" end
    return ""
  end)
  text = text:gsub("&#(%d+);", character):gsub("&(%a+);", ENTITIES)
  return (text:gsub("   +", "  "):gsub("[ \t]*\n[ \t]*", "\n"):gsub("\n\n\n+", "\n\n"):gsub("^%s+", ""):gsub("%s+$", ""))
end

return markup

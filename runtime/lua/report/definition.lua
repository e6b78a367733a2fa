-- What a report declares, checked when it is loaded: fields, parameters, templates. A mistake names the file and line.

local duration = require "duration"
local files = require "report.files"
local freshness = require "report.freshness"
local mjml = require "report.mjml"
local nearest = require "nearest"
local params = require "report.params"
local sorted_keys = require "sorted_keys"
local template = require "report.template"
local zone = require "zone"

local definition = {}

local FIELDS = { about = "string", params = "table", needs = "table", wait = "string", data = "function", tz = "string", check = "function",
  slack = "channel", email = "channel", sms = "channel" }
local SLACK_FIELDS = { text = true, blocks = true }
local EMAIL_FIELDS = { subject = true, body = true, text = true }

local WAIT = "2h" -- for data that is not ready

local File = { __metatable = "report.file" }

--- A template that lies in a file beside the report.
---@param name string "daily_ccw.slack.tpl"
---@return table
function definition.template(name)
  if type(name) ~= "string" or name == "" then error("template takes the name of a file: template \"daily.slack.tpl\"", 2) end
  return setmetatable({ name = name }, File)
end

local function check_fields(what, given, known)
  for key in pairs(given) do
    if not known[key] then
      local list = sorted_keys(known)
      local close = nearest.word(tostring(key), list)
      error(("%s has no field %q; %s"):format(what, tostring(key), close and ("did you mean %q?"):format(close) or
        "it takes " .. table.concat(list, ", ")), 0)
    end
  end
end

-- A text, or template "file", as a compiled template.
local function compile(what, given)
  if type(given) == "string" then return template.compile(given, what) end
  if getmetatable(given) == "report.file" then return template.compile(files.read(given.name)) end
  error(("%s is a text or template \"FILE\", not a %s"):format(what, type(given)), 0)
end

local function is_table(given)
  return type(given) == "table" and getmetatable(given) == nil
end

local make = {}

function make.slack(report, given)
  local what = report.name .. ".slack"
  if not is_table(given) then given = { text = given } end
  check_fields(what, given, SLACK_FIELDS)
  if given.blocks and type(given.blocks) ~= "function" then error(what .. ": blocks is a function(values)", 0) end
  return { text = compile(what, given.text), blocks = given.blocks }
end

function make.sms(report, given)
  return { text = compile(report.name .. ".sms", given) }
end

function make.email(report, given)
  local what = report.name .. ".email"
  if not is_table(given) then error(what .. " is a table: { subject = , body = }", 0) end
  check_fields(what, given, EMAIL_FIELDS)
  if given.subject == nil or given.body == nil then error(what .. " needs subject and body", 0) end
  local body = compile(what .. ".body", given.body)
  local is_mjml = body.text:find "^%s*<mjml" ~= nil
  if is_mjml then mjml.html(template.blank(body.text), body.name) end
  return { subject = compile(what .. ".subject", given.subject), body = body, is_mjml = is_mjml,
    text = given.text and compile(what .. ".text", given.text) }
end

local CHANNELS = { "slack", "email", "sms" }

local function check_kinds(what, given)
  for key, wanted in pairs(FIELDS) do
    local value = given[key]
    local is_sql = key == "data" and type(value) == "string"
    if value ~= nil and wanted ~= "channel" and type(value) ~= wanted and not is_sql then
      error(("%s: %s is a %s, not a %s"):format(what, key, wanted, type(value)), 0)
    end
  end
end

--- Checks a declaration and compiles its templates. Raises plain text, or a TemplateError.
---@param name string
---@param given table
---@return table report
function definition.make(name, given)
  local what = ("report %q"):format(name)
  check_fields(what, given, FIELDS)
  check_kinds(what, given)
  local report = { name = name, about = given.about or "", tz = given.tz or definition.zone(), data = given.data, check = given.check,
    params = params.declare(given.params or {}), needs = freshness.declare(given.needs or {}), wait = given.wait or WAIT,
    channels = {} }
  duration.ms(report.wait, "wait")
  zone.offset(0, report.tz) -- refuses an unknown zone
  local any = false
  for _, channel in ipairs(CHANNELS) do
    if given[channel] ~= nil then report.channels[channel], any = make[channel](report, given[channel]), true end
  end
  if not any then error(what .. " has no channel: slack, email or sms", 0) end
  return report
end

--- The zone of the business day, unless a report names its own.
---@return string
function definition.zone()
  local named = os.getenv "SIGNALROOM_TZ"
  return named and named ~= "" and named or "America/New_York"
end

--- The channels that a report has, in order.
---@return string[]
function definition.channels(report)
  local list = {}
  for _, channel in ipairs(CHANNELS) do
    if report.channels[channel] then list[#list + 1] = channel end
  end
  return list
end

return definition

-- A report's values as the letter of one channel.

local blocks = require "report.blocks"
local channels = require "report.channels"
local mjml = require "report.mjml"
local markup = require "report.markup"
local sms = require "report.sms"

local write = {}

-- `mrkdwn`: the text is Slack's markup, whose values are escaped already.
function write.slack(report, form, values, known)
  local letter = { text = form.text:render(values, channels.slack, known), mrkdwn = true }
  blocks.check_text(report.name, letter.text)
  if form.blocks then letter.blocks = blocks.check(report.name, form.blocks(values, channels.slack.escape)) end
  return letter
end

function write.sms(_, form, values, known)
  local text = form.text:render(values, channels.text, known)
  return { text = text, sms = sms(text) }
end

function write.email(_, form, values, known)
  local body = form.body:render(values, channels.html, known)
  local letter = { subject = form.subject:render(values, channels.text, known):gsub("%s*[\r\n]+%s*", " ") }
  letter.html = form.is_mjml and mjml.html(body, form.body.name) or body
  if form.text then
    letter.text = form.text:render(values, channels.text, known)
  else
    letter.text = form.is_mjml and mjml.text(body, form.body.name) or markup.plain(body)
  end
  return letter
end

--- Writes it.
---@param report table of report.definition
---@param channel string
---@param values table<string, any>
---@param known table<string, boolean> columns that may be null
---@return table letter
return function(report, channel, values, known)
  return write[channel](report, report.channels[channel], values, known)
end

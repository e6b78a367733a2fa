local blocks = require "report.blocks"
local params = require "report.params"
local sms = require "report.sms"

local DECLARED = params.declare { date = params.yesterday, advertiser_id = 1, rate = 1.5, label = "x", all = false,
  level = { kind = "text", default = "error", one_of = { "error", "info" } }, message = { kind = "text" } }

local function resolved(given)
  given.message = given.message or "m"
  return params.resolve("r", DECLARED, given, "2026-03-01")
end

local function refused(wanted, given)
  local ok, err = pcall(resolved, given)
  assert(not ok and err.type == "ValueError" and err.message == wanted, tostring(not ok and err.message))
end

return {
  text_of_a_command_line_and_values_of_a_workflow_are_the_same = function()
    local from_words = resolved { date = "yesterday", advertiser_id = "2", rate = "2", label = "y", all = "true", level = "info" }
    local from_json = resolved { date = "2026-02-28", advertiser_id = 2, rate = 2, label = "y", all = true, level = "info" }
    for name in pairs(DECLARED) do assert(from_words[name] == from_json[name] and from_words[name] ~= nil, name) end
  end,

  what_is_not_given_has_its_default = function()
    local values = resolved {}
    assert(values.date == "2026-02-28" and values.advertiser_id == 1 and values.all == false and values.level == "error")
  end,

  what_a_parameter_cannot_be_is_refused = function()
    refused('report r has no parameter "advertiser"; did you mean "advertiser_id"?', { advertiser = 1 })
    refused('report r: date is a date: YYYY-MM-DD, today or yesterday, not "2026-02-30"', { date = "2026-02-30" })
    refused('report r: advertiser_id is a whole number, not "1 or 1=1"', { advertiser_id = "1 or 1=1" })
    refused('report r: level is one of error, info, not "fatal"', { level = "fatal" })
    refused('report r: label is text, not a table', { label = {} })
    local ok, err = pcall(params.resolve, "r", DECLARED, {}, "2026-03-01")
    assert(not ok and err.message == "report r needs the parameter message")
  end,

  an_sms_is_counted_as_networks_do = function()
    local cases = { { ("a"):rep(160), 160, "GSM-7", 1 }, { ("a"):rep(161), 161, "GSM-7", 2 }, { ("a"):rep(306), 306, "GSM-7", 2 },
      { ("a"):rep(307), 307, "GSM-7", 3 }, { ("€"):rep(80), 160, "GSM-7", 1 }, { ("ž"):rep(70), 70, "UCS-2", 1 },
      { ("ž"):rep(71), 71, "UCS-2", 2 }, { "🎉", 2, "UCS-2", 1 }, { "", 0, "GSM-7", 1 } }
    for _, case in ipairs(cases) do
      local counted = sms(case[1])
      assert(counted.length == case[2] and counted.encoding == case[3] and counted.segments == case[4], case[1])
    end
    assert(not pcall(sms, ("a"):rep(1601)))
  end,

  what_slack_would_refuse_is_refused_before = function()
    local section = { type = "section", text = { type = "mrkdwn", text = ("é"):rep(3000) } }
    assert(#blocks.check("r", { section, { type = "divider" } }) == 2)
    section.text.text = section.text.text .. "x"
    for _, list in ipairs { { section }, { { type = "header", text = { text = ("a"):rep(151) } } } } do
      assert(not pcall(blocks.check, "r", list))
    end
    local many = {}
    for i = 1, 51 do many[i] = { type = "divider" } end
    assert(not pcall(blocks.check, "r", many))
    assert(not pcall(blocks.check_text, "r", ("a"):rep(40001)))
  end,
}

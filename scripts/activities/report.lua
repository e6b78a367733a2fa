-- Reports: one activity renders, another one sends. What was rendered stands in the workflow's history, so that every
-- attempt sends the same.

local incidents = require "activities.sending.incidents"
local letters = require "activities.sending.letters"
local outbox = require "activities.sending.outbox"

local BEGAN = os.time()

local function given(value)
  if value == json.null or value == "" then return nil end
  return value
end

-- A list, or a text with commas.
local function list_of(value)
  if type(value) == "table" then return value end
  local list = {}
  for one in value:gmatch "[^,%s]+" do list[#list + 1] = one end
  return list
end

local function recipients_of(input)
  local wanted = given(input.recipients)
  local list = list_of(letters.recipient(input.channel, wanted))
  if #list == 0 then error(ValueError("the report has no recipients"), 0) end
  return list
end

local function characters(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

-- What is missing for sending is said before the database is asked.
local function prepare(input)
  if not input.send then return json.array {} end
  if letters.production then secret(letters.channel(input.channel).token) end
  return json.array(recipients_of(input))
end

-- Gives what report.render does, and recipients, content_length, how long to wait for data, and `troubles` as syncs do.
-- `now` counts "yesterday": the same day on every attempt.
activity "run_report_activity" {
  run = function(input)
    local recipients = prepare(input)
    local params = report.params(input.report_name, given(input.params), input.now)
    local page = report.render(input.report_name, params, input.channel)
    page.recipients, page.params = recipients, json.object(page.params)
    page.wait, page.troubles = report.describe(input.report_name).wait, incidents.open()
    local letter = page.letter
    page.content_length = letter and characters(letter.html or letter.text) or 0
    return page
  end,
}

local REFUSALS = { RateLimited = true, ValueError = true, KeyError = true }

-- Where the vendor said no, or nobody was asked, it certainly was not sent, unless an earlier attempt did.
local function state_after(err, again)
  if type(err) ~= "table" then return nil end
  if err.type == "SendUnknown" then return "unknown" end
  if not (REFUSALS[err.type] or err.non_retryable) then return nil end
  return again and "unknown" or "refused"
end

local function entry_of(input)
  local params = json.encode(input.params)
  local words = { input.report_name, input.date or "", params, input.channel, input.recipient, input.kind or "", input.again or "" }
  return { key = letters.key(table.concat(words, "\0")), report = input.report_name, date = input.date or json.null, params = params,
    channel = input.channel, recipient = input.recipient, letter = input.letter, claimant = letters.task(),
    attempt = activity.info().attempt }
end

local function send(db, entry)
  local claim = outbox.claim(db, entry)
  if claim.sent then return { recipient = entry.recipient, id = claim.id, already = true } end
  local letter = claim.letter
  letter.to, letter.key, letter.again, letter.since = entry.recipient, entry.key, claim.again, claim.since
  letter.careful, letter.deadline = true, letters.deadline(BEGAN)
  local ok, outcome = pcall(letters.send, entry.channel, letter)
  if ok then
    outbox.settle(db, entry, "sent", outcome.id)
    return { recipient = entry.recipient, id = outcome.id }
  end
  local state = state_after(outcome, claim.again)
  if state then outbox.settle(db, entry, state, nil, tostring(outcome)) end
  error(outcome, 0)
end

-- Sends one letter to one recipient, unless the outbox says that it was sent.
activity "send_report_activity" {
  run = function(input)
    if not letters.production then
      input.letter.to = input.recipient
      letters.send(input.channel, input.letter)
      return { recipient = input.recipient, printed = true }
    end
    return send(pg.connect(), entry_of(input))
  end,
}

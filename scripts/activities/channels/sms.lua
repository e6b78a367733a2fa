-- SMS by Twilio, which knows no idempotency: an attempt after the first looks for the message in Twilio's own list. When
-- that list cannot be read the letter is parked (SendUnknown, not retried): nobody gets it twice.

local BASE = setting("TWILIO_BASE_URL", "https://api.twilio.com")
local LONGEST = 1600 -- characters; Twilio refuses more
local CLOCKS_APART = 60 -- seconds by which Twilio's clock may differ from the server's
local MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"

local function ask(method, options)
  local account = setting "TWILIO_ACCOUNT_SID"
  options.method, options.url = method, ("%s/2010-04-01/Accounts/%s/Messages.json"):format(BASE, account)
  options.user, options.password = account, secret "TWILIO_AUTH_TOKEN"
  options.timeout, options.redirects, options.once = "10s", 0, true -- two of them fit an attempt of 30 s
  return http.request(options):json()
end

local function shortened(text)
  local kept, count = {}, 0
  for character in text:gmatch "[%z\1-\127\192-\255][\128-\191]*" do
    count = count + 1
    if count > LONGEST then return table.concat(kept, "", 1, LONGEST - 3) .. "..." end
    kept[count] = character
  end
  return text
end

-- "Thu, 15 Jan 2026 12:00:05 +0000" -> "2026-01-15T12:00:05", which compares as text.
local function moment(date)
  local day, month, year, time = date:match "(%d+) (%a+) (%d+) (%d+:%d+:%d+)"
  return ("%s-%02d-%02dT%s"):format(year, (MONTHS:find(month, 1, true) + 2) / 3, day, time)
end

-- The id of the message that an earlier attempt sent. An account on trial gets words put in front of its texts.
local function search(letter, text)
  local since = os.date("!%Y-%m-%dT%H:%M:%S", math.floor(letter.since) - CLOCKS_APART)
  for _, message in ipairs(ask("GET", { query = { To = letter.to, PageSize = "1000" } }).messages) do
    if moment(message.date_created) >= since and message.body:sub(-#text) == text then return message.sid end
  end
end

local function sent_before(letter, text)
  local ok, found = pcall(search, letter, text)
  if ok then return found end
  if type(found) == "table" and not found.non_retryable then error(found, 0) end
  error(ApplicationError { type = "SendUnknown", non_retryable = true, cause = found,
    message = "an earlier attempt may have sent the SMS, and Twilio's list of messages cannot be read: " .. tostring(found) }, 0)
end

return {
  token = "TWILIO_AUTH_TOKEN",
  recipient = "SMS recipient required",
  send = function(letter)
    local text = shortened(letter.text)
    local found = letter.again and sent_before(letter, text)
    if found then return { to = letter.to, sid = found, by_an_earlier_attempt = true } end
    local answer = ask("POST", { form = { To = letter.to, From = setting "TWILIO_FROM_NUMBER", Body = text } })
    return { to = letter.to, sid = answer.sid, segments = answer.num_segments }
  end,
}

-- SMS by Twilio, which knows no idempotency: an attempt after the first looks for the message in Twilio's own list.

local BASE = setting("TWILIO_BASE_URL", "https://api.twilio.com")
local CHARACTERS = 1600 -- Twilio refuses more
local LONGEST = 10      -- seconds of one request
local CLOCKS_APART = 60 -- seconds by which Twilio's clock may differ from the server's
local MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"

local function ask(method, options)
  local account = setting "TWILIO_ACCOUNT_SID"
  options.method, options.url = method, ("%s/2010-04-01/Accounts/%s/Messages.json"):format(BASE, account)
  options.user, options.password = account, secret "TWILIO_AUTH_TOKEN"
  options.timeout, options.redirects, options.once = options.timeout or LONGEST, 0, true
  return http.request(options):json()
end

local function shortened(text)
  local kept, count = {}, 0
  for character in text:gmatch "[%z\1-\127\192-\255][\128-\191]*" do
    count = count + 1
    if count > CHARACTERS then return table.concat(kept, "", 1, CHARACTERS - 3) .. "..." end
    kept[count] = character
  end
  return text
end

-- "Thu, 15 Jan 2026 12:00:05 +0000" -> "2026-01-15T12:00:05", which compares as text.
local function moment(date)
  local day, month, year, time = date:match "(%d+) (%a+) (%d+) (%d+:%d+:%d+)"
  return ("%s-%02d-%02dT%s"):format(year, (MONTHS:find(month, 1, true) + 2) / 3, day, time)
end

return {
  token = "TWILIO_AUTH_TOKEN", id = "sid",
  recipient = "SMS recipient required",
  default = "REPORT_SMS_TO",
  careful = true, -- nobody gets a text twice, also not an alert

  probe = function()
    ask("GET", { query = { PageSize = "1" } })
    return "the account answers"
  end,

  -- An account on trial gets words put in front of its texts.
  find = function(letter)
    local text = shortened(letter.text)
    local since = os.date("!%Y-%m-%dT%H:%M:%S", math.floor(letter.since) - CLOCKS_APART)
    for _, message in ipairs(ask("GET", { query = { To = letter.to, PageSize = "1000" } }).messages) do
      if moment(message.date_created) >= since and message.body:sub(-#text) == text then return { to = letter.to, sid = message.sid } end
    end
  end,

  post = function(letter, seconds)
    local text = shortened(letter.text)
    local answer = ask("POST", { timeout = math.min(LONGEST, seconds),
      form = { To = letter.to, From = setting "TWILIO_FROM_NUMBER", Body = text } })
    return { to = letter.to, sid = answer.sid, segments = answer.num_segments }
  end,
}

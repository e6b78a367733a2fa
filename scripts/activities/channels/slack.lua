-- Slack, by a bot's token with the scopes chat:write and chat:write.public. With channels:history too, a message whose
-- answer was lost is found again by the key in its metadata.

local BASE = setting("SLACK_BASE_URL", "https://slack.com/api")
local CLOCKS_APART = 60 -- seconds by which Slack's clock may differ from ours
local PAGES_MAX = 50
local LONGEST = 10     -- seconds of one request

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }
-- After a fatal_error the message may be there: the next attempt looks.
local TEMPORARY = { internal_error = true, fatal_error = true, ratelimited = true, rate_limited = true }
local NO_ACCESS = { invalid_auth = true, not_authed = true, account_inactive = true, token_revoked = true, token_expired = true,
  missing_scope = true }

-- Slack says no with the status 200 and a word.
local function refused(method, answer)
  local word = type(answer) == "table" and answer.error or "an answer without ok"
  local message = ("Slack %s: %s"):format(method, tostring(word))
  if word == "missing_scope" then message = message .. ", needed: " .. tostring(answer.needed) end
  if TEMPORARY[word] then return VendorError { message = message, status = 200 } end
  if NO_ACCESS[word] then return AuthError { message = message, non_retryable = true } end
  return ApplicationError { type = "SlackError", message = message, non_retryable = true, details = { error = word } }
end

local function call(method, options)
  options.url, options.bearer = BASE .. "/" .. method, secret "SLACK_BOT_TOKEN"
  options.timeout, options.redirects, options.once = options.timeout or LONGEST, 0, true
  local answer = http.request(options):json()
  if type(answer) ~= "table" or answer.ok ~= true then error(refused(method, answer), 0) end
  return answer
end

local function written(letter)
  return letter.mrkdwn and letter.text or (letter.text:gsub("[&<>]", ESCAPES))
end

local function key_of(message)
  local metadata = message.metadata
  local key = type(metadata) == "table" and type(metadata.event_payload) == "table" and metadata.event_payload.key
  return type(key) == "string" and key or ""
end

local function is_it(message, letter)
  local key = key_of(message)
  if letter.like then return key:sub(1, #letter.like) == letter.like end
  return key == letter.key
end

return {
  token = "SLACK_BOT_TOKEN", id = "ts",
  default = "SLACK_CHANNEL_ID",

  probe = function()
    local answer = call("auth.test", { method = "POST" })
    return ("%s of %s"):format(answer.user, answer.team)
  end,

  find = function(letter)
    local cursor, pages = nil, 0
    repeat
      local page = call("conversations.history", { method = "GET", query = { channel = letter.to, limit = "200", cursor = cursor,
        include_all_metadata = "true", oldest = ("%.6f"):format(letter.since - CLOCKS_APART) } })
      for _, message in ipairs(page.messages) do
        if is_it(message, letter) then return { channel = letter.to, ts = message.ts } end
      end
      local more = page.response_metadata
      cursor, pages = type(more) == "table" and more.next_cursor or "", pages + 1
      if pages == PAGES_MAX then
        error(VendorError { message = "Slack conversations.history: too many messages to find ours", non_retryable = true }, 0)
      end
    until cursor == ""
  end,

  post = function(letter, seconds)
    local answer = call("chat.postMessage", { method = "POST", timeout = math.min(LONGEST, seconds), json = {
      channel = letter.to, text = written(letter), blocks = letter.blocks, unfurl_links = false,
      metadata = { event_type = "signalroom_message", event_payload = { key = letter.key } },
    } })
    return { channel = answer.channel, ts = answer.ts }
  end,

  -- Puts the letter in the place of a message. The same twice is the same as once.
  change = function(letter, ts)
    call("chat.update", { method = "POST", json = { channel = letter.to, ts = ts, text = written(letter) } })
  end,
}

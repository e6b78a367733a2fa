-- Slack, by a bot's token with the scopes chat:write and chat:write.public. With channels:history too, a message whose
-- answer was lost is found again by the key in its metadata; without it, it may be there twice, and the log says so.

local BASE = setting("SLACK_BASE_URL", "https://slack.com/api")
local CLOCKS_APART = 60 -- seconds by which Slack's clock may differ from the server's

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }
local TEMPORARY = { internal_error = true, ratelimited = true, rate_limited = true }
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
  options.timeout, options.redirects, options.once = "10s", 0, true -- two of them fit an attempt of 30 s
  local answer = http.request(options):json()
  if type(answer) ~= "table" or answer.ok ~= true then error(refused(method, answer), 0) end
  return answer
end

local function key_of(message)
  local metadata = message.metadata
  return type(metadata) == "table" and type(metadata.event_payload) == "table" and metadata.event_payload.key
end

-- The time stamp of a message that an earlier attempt sent, nil without one.
local function search(letter, channel)
  local cursor
  repeat
    local page = call("conversations.history", { method = "GET", query = { channel = channel, limit = "200", cursor = cursor,
      include_all_metadata = "true", oldest = ("%.6f"):format(letter.since - CLOCKS_APART) } })
    for _, message in ipairs(page.messages) do
      if key_of(message) == letter.key then return message.ts end
    end
    local more = page.response_metadata
    cursor = type(more) == "table" and more.next_cursor or ""
  until cursor == ""
end

-- A channel that the bot must not read is no reason to keep silent.
local function sent_before(letter, channel)
  local ok, found = pcall(search, letter, channel)
  if ok then return found end
  if not (type(found) == "table" and found.non_retryable) then error(found, 0) end
  log.warning("slack_may_repeat", { channel = channel, error = tostring(found) })
end

return {
  token = "SLACK_BOT_TOKEN",
  send = function(letter)
    local channel = letter.to or setting "SLACK_CHANNEL_ID"
    local found = letter.again and sent_before(letter, channel)
    if found then return { channel = channel, ts = found, by_an_earlier_attempt = true } end
    local answer = call("chat.postMessage", { method = "POST", json = {
      channel = channel, text = letter.text:gsub("[&<>]", ESCAPES), unfurl_links = false,
      metadata = { event_type = "signalroom_message", event_payload = { key = letter.key } },
    } })
    return { channel = answer.channel, ts = answer.ts }
  end,
}

-- Messages to people. A channel is one file in channels/:
--
--   token      the secret that it cannot work without
--   recipient  what is wrong without a recipient; nil where the channel has a default one
--   send       function(letter): sends { text, subject, to, key, again, since } and returns what the log shall say
--
-- Never silently twice: the first attempt sends at once. A later one (`again`) cannot know whether an earlier one got
-- through, so a channel asks its vendor for the letter first, or sends it under the same key.

local CHANNELS = {
  slack = require "activities.channels.slack",
  email = require "activities.channels.email",
  sms = require "activities.channels.sms",
}

-- Names of channels that may be without a token: "sms email".
local OPTIONAL = setting("SIGNALROOM_OPTIONAL_CHANNELS", "")

local function given(value)
  if value == json.null or value == "" then return nil end
  return value
end

local function letter_of(message, recipient)
  local task = activity.info()
  return { text = message, subject = "SignalRoom Alert", to = recipient, again = task.attempt > 1, since = task.scheduled_at,
    key = "signalroom-" .. crypto.hex(crypto.sha256(("%s %s"):format(task.run_id, task.activity_id))) }
end

local function optional(name)
  return (" " .. OPTIONAL .. " "):find("[ ,]" .. name .. "[ ,]") ~= nil
end

local function unset(token)
  return setting(token, "") == "" and setting(token .. "_FILE", "") == ""
end

local function send(name, channel, letter)
  local ok, outcome = pcall(channel.send, letter)
  if not ok then
    log.error("notification_failed", { channel = name, error = tostring(outcome) })
    error(outcome, 0)
  end
  log.info(name .. "_sent", outcome)
end

-- Returns true when the message is with the vendor, false when the channel is optional and has no token.
activity "send_notification_activity" {
  run = function(name, message, recipient)
    local channel = CHANNELS[name]
    if not channel then error(ValueError("Unknown notification channel: " .. tostring(name))) end
    recipient = given(recipient)
    if channel.recipient and not recipient then error(ValueError(channel.recipient)) end
    if optional(name) and unset(channel.token) then
      log.warning(name .. "_not_configured", { unset = channel.token })
      return false
    end
    secret(channel.token)
    send(name, channel, letter_of(message, recipient))
    return true
  end,
}

-- Messages to people: one text, by one channel. Never silently twice: an attempt after the first asks the vendor for the
-- message before it sends it, or sends it under the same key.

local letters = require "activities.sending.letters"

-- Names of channels that may be without a token: "sms email".
local OPTIONAL = setting("SIGNALROOM_OPTIONAL_CHANNELS", "")

local function is_optional(name)
  return (" " .. OPTIONAL .. " "):find("[ ,]" .. name .. "[ ,]") ~= nil
end

local BEGAN = os.time()

local function is_given(recipient)
  return recipient ~= nil and recipient ~= json.null and recipient ~= ""
end

-- Returns true when the message is with the vendor, false when the channel is optional and has no token, or outside
-- production.
activity "send_notification_activity" {
  run = function(name, message, recipient)
    local channel = letters.channel(name)
    if channel.recipient and not is_given(recipient) then error(ValueError(channel.recipient)) end
    if is_optional(name) and not letters.has_token(name) then
      log.warning(name .. "_not_configured", { unset = channel.token })
      return false
    end
    if letters.production then secret(channel.token) end
    local task = activity.info()
    local sent = letters.send(name, { text = message, subject = "SignalRoom Alert", to = letters.recipient(name, recipient),
      again = task.attempt > 1, since = task.scheduled_at, key = letters.key(letters.task()), deadline = letters.deadline(BEGAN) })
    return not sent.printed
  end,
}

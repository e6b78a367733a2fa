-- Sends a letter by its channel. A channel is one file in ../channels:
--
--   token      the secret that it cannot work without
--   recipient  what is wrong without a recipient, default: the setting that has one
--   find       function(letter): what an earlier attempt sent, nil when it did not
--   post       function(letter, seconds): sends it in that time; gives what the log shall say, `id` names the vendor's id in it
--   change     function(letter, id): puts the letter in the place of a message; few channels can
--   probe      function(): asks the vendor something cheap, for `signalroom check`; gives what was found in a few words
--   careful    what may have been sent, and cannot be found, is never sent again
--
-- A letter has text, to, key and deadline; also subject and html (e-mail), mrkdwn and blocks (Slack). `again` says that an
-- earlier attempt, `since` then, may have sent it: it is looked for first. `careful` is as a channel's.

local CHANNELS = {
  slack = require "activities.channels.slack",
  email = require "activities.channels.email",
  sms = require "activities.channels.sms",
}

local ENVIRONMENT = setting("SIGNALROOM_ENV", "development")

local letters = {}

--- Whether messages leave at all. Elsewhere they are only logged.
letters.production = ENVIRONMENT == "production"

--- A channel by name.
function letters.channel(name)
  return CHANNELS[name] or error(ValueError("Unknown notification channel: " .. tostring(name)), 0)
end

--- Whether somebody configured the channel.
function letters.has_token(name)
  local token = CHANNELS[name].token
  return setting(token, "") ~= "" or setting(token .. "_FILE", "") ~= ""
end

local function unknown(name, problem)
  return ApplicationError { type = "SendUnknown", non_retryable = true, cause = problem,
    message = ("an earlier attempt may have sent this by %s, and that cannot be looked up: %s"):format(name, tostring(problem)) }
end

-- An alert twice is better than none, a report twice is not.
local function earlier(name, letter)
  local channel = CHANNELS[name]
  local ok, found = pcall(channel.find, letter)
  if ok then return found end
  if not (type(found) == "table" and found.non_retryable) then error(found, 0) end
  if letter.careful or channel.careful then error(found.type == "SendUnknown" and found or unknown(name, found), 0) end
  log.warning(name .. "_may_repeat", { to = letter.to, error = tostring(found) })
end

-- The server gives an attempt up at its timeout and begins the next one: by then this one must be through.
local function patience(letter)
  local left = letter.deadline - os.time() - 1
  if left < 1 then error(TimeoutError "the attempt has too little time left to send", 0) end
  return left
end

local function printed(name, letter)
  log.info(name .. "_not_sent", { to = letter.to, text = letter.text, environment = ENVIRONMENT,
    hint = "messages leave when SIGNALROOM_ENV is production" })
  return { printed = true }
end

local function deliver(name, letter)
  local channel = CHANNELS[name]
  secret(channel.token)
  local found = letter.again and earlier(name, letter)
  local sent = found or channel.post(letter, patience(letter))
  sent.by_an_earlier_attempt = found and true
  log.info(name .. "_sent", sent)
  return { id = sent[channel.id], found = found and true or false }
end

--- Sends it. Raises what kept it from being sent.
---@return { id: string?, found: boolean?, printed: boolean? }
function letters.send(name, letter)
  if not letters.production then return printed(name, letter) end
  local ok, outcome = pcall(deliver, name, letter)
  if ok then return outcome end
  log.error("notification_failed", { channel = name, error = tostring(outcome) })
  error(outcome, 0)
end

--- Who gets it: the given one, else the channel's default.
---@return string
function letters.recipient(name, given)
  local channel = letters.channel(name)
  if given ~= nil and given ~= json.null and given ~= "" then return given end
  if not letters.production then return setting(channel.default, "nobody") end
  return setting(channel.default)
end

--- When this attempt must be through, by our clock.
---@param began number os.time() when it began
function letters.deadline(began)
  return began + (activity.info().start_to_close or 3600)
end

--- The activity that asks, by a name of its own: the same on all its attempts.
function letters.task()
  local task = activity.info()
  return ("%s %s"):format(task.run_id or task.activity_run_id, task.activity_id)
end

--- A key from anything.
function letters.key(text)
  return "signalroom-" .. crypto.hex(crypto.sha256(text))
end

return letters

-- E-mail by Resend. Attempts share an idempotency key, which Resend keeps for 24 hours: a mail whose
-- answer was lost is answered again and not sent again.

local BASE = setting("RESEND_BASE_URL", "https://api.resend.com")
local LONGEST = 20    -- seconds of one request
local KEPT = 23 * 3600 -- seconds, with an hour for clocks that differ

-- The first request is still at work, which passes; or the mail is not what it was when the key was first used.
local function conflict(reply)
  local problem = reply:json()
  return VendorError { message = ("Resend: %s: %s"):format(tostring(problem.name), tostring(problem.message)), status = reply.status,
    non_retryable = problem.name ~= "concurrent_idempotent_requests" }
end

return {
  token = "RESEND_API_KEY", id = "id",
  recipient = "Email recipient required",
  default = "REPORT_EMAIL_TO",

  -- A key that may only send is refused by its own name, and is right.
  probe = function()
    local reply = http.get(BASE .. "/domains", { bearer = secret "RESEND_API_KEY", timeout = LONGEST, redirects = 0,
      accept = { 401, 403 } })
    local name = reply.status ~= 200 and reply:json().name
    if name and name ~= "restricted_api_key" then error(AuthError("Resend: " .. tostring(name)), 0) end
    return name and "the key may send" or "the key is taken"
  end,

  -- Resend looks for itself, by the key, while it has it.
  find = function(letter)
    if os.time() - letter.since > KEPT then
      error(ApplicationError { type = "SendUnknown", non_retryable = true,
        message = "an attempt more than 23 hours ago may have sent the mail, and Resend has forgotten its key" }, 0)
    end
  end,

  post = function(letter, seconds)
    local reply = http.post(BASE .. "/emails", {
      bearer = secret "RESEND_API_KEY", headers = { ["Idempotency-Key"] = letter.key },
      json = { from = setting "RESEND_FROM_EMAIL", to = letter.to, subject = letter.subject, html = letter.html or letter.text,
        text = letter.html and letter.text },
      timeout = math.min(LONGEST, seconds), redirects = 0, accept = { 409 },
    })
    if reply.status == 409 then error(conflict(reply), 0) end
    return { to = letter.to, id = reply:json().id }
  end,
}

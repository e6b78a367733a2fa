-- E-mail by Resend. The text is HTML. Attempts share an idempotency key, which Resend keeps for 24 hours: a mail whose
-- answer was lost is answered again and not sent again.

local BASE = setting("RESEND_BASE_URL", "https://api.resend.com")

-- The first request is still at work, which passes; or the mail is not what it was when the key was first used.
local function conflict(reply)
  local problem = reply:json()
  return VendorError { message = ("Resend: %s: %s"):format(tostring(problem.name), tostring(problem.message)), status = reply.status,
    non_retryable = problem.name ~= "concurrent_idempotent_requests" }
end

return {
  token = "RESEND_API_KEY",
  recipient = "Email recipient required",
  send = function(letter)
    local reply = http.post(BASE .. "/emails", {
      bearer = secret "RESEND_API_KEY", headers = { ["Idempotency-Key"] = letter.key },
      json = { from = setting "RESEND_FROM_EMAIL", to = letter.to, subject = letter.subject, html = letter.text },
      timeout = "20s", redirects = 0, accept = { 409 },
    })
    if reply.status == 409 then error(conflict(reply), 0) end
    return { to = letter.to, id = reply:json().id }
  end,
}

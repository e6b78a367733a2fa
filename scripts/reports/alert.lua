-- Something happened that people should know. Reads no database, so that it can tell when that is down.

local WORDS = { error = "ALERT", warning = "WARN", info = "INFO" }

report "alert" {
  about = "An alert: level, title, message and details",
  params = {
    level = { kind = "text", default = "error", one_of = { "error", "warning", "info" } },
    title = "Alert",
    message = { kind = "text", about = "what happened" },
    details = { kind = "table", default = {}, about = "names and values, shown one a line" },
    source = "signalroom",
  },
  data = function(_, p)
    return { brief = ("[%s] %s: %s"):format(WORDS[p.level], p.title, p.message) }
  end,
  slack = template "alert.slack.tpl",
  email = { subject = "[{{ level }}] {{ title }}", body = template "alert.email.mjml" },
  sms = "{{ brief|cut(100) }}",
}

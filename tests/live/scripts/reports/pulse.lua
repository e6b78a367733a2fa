-- A report for tests of sending: what a table says, on every channel.

report "pulse" {
  about = "the pulse of a day",
  params = { date = yesterday, note = "fine" },
  data = "SELECT pulse FROM public.pulse",
  slack = "*Pulse* of {{ report_date }}: {{ pulse }}, {{ note }}",
  email = { subject = "Pulse of {{ report_date }}", body = "<p>{{ pulse }}, {{ note }}</p>" },
  sms = "Pulse of {{ report_date }}: {{ pulse }}, {{ note }}",
}

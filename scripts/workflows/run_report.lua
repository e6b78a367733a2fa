-- One report: rendered, and sent unless `send` is false. The letter stands in the history before it is sent, so every
-- attempt sends the same; the outbox keeps a second run of the day from sending it again, unless `again` is true.
--
-- Data that is not ready is waited for (`wait`, the report's own unless given), then said once. A failed report is a
-- Failed workflow, and told; with on_failure = "complete" it is a result whose success is false.

local alert = require "workflows.alert"
local RETRY = require "workflows.retry"
local SEND_RETRY = require "workflows.send_retry"

local RENDER = { start_to_close = "5m", retry = RETRY }
-- No heartbeat: an attempt is over when its time is, and not while its request may still be on its way.
local SEND = { start_to_close = "30s", schedule_to_close = "12h", retry = SEND_RETRY }
local FIRST_LOOK, LONGEST_LOOK = 60, 300 -- seconds between looks whether the data is there

local function given(value)
  if value ~= json.null then return value end
end

local function reason_of(err)
  return (err.type == "ActivityError" and err.cause or err).message
end

-- --- rendering ---

local function when_ready(request, wait)
  local page = workflow.call("run_report_activity", request, RENDER)
  if page.ready or not request.send then return page end
  local limit, pause = workflow.timer(wait or page.wait), FIRST_LOOK
  while not page.ready and not limit:done() do
    workflow.log("Report %s waits: %s", request.report_name, page.reason)
    workflow.wait_any { limit, workflow.timer(pause) }
    pause = math.min(pause * 1.5, LONGEST_LOOK)
    page = workflow.call("run_report_activity", request, RENDER)
  end
  return page
end

-- --- sending ---

local function begin(request, page, letter, kind)
  local sends = {}
  for i, recipient in ipairs(page.recipients) do
    sends[i] = workflow.start("send_report_activity", { report_name = request.report_name, channel = request.channel, date = page.date,
      params = page.params, recipient = recipient, letter = letter, kind = kind, again = request.again }, SEND)
  end
  return sends
end

-- One recipient that cannot be reached does not keep the others from being reached.
local function send(request, page, letter, kind)
  local messages, problems, first = json.array {}, {}, nil
  for i, one in ipairs(begin(request, page, letter, kind)) do
    local ok, outcome = pcall(one.wait, one)
    if ok then
      messages[#messages + 1] = outcome
    else
      if workflow.cancelled() then error(outcome, 0) end
      first = first or outcome
      problems[#problems + 1] = ("%s: %s"):format(page.recipients[i], reason_of(outcome))
    end
  end
  if not first then return messages end
  error(ApplicationError { type = alert.class(first), cause = first, message = ("sent to %d of %d; not to %s"):format(#messages,
    #page.recipients, table.concat(problems, "; ")) }, 0)
end

-- --- the whole ---

local function not_ready(request, page)
  local text = "data not ready: " .. page.reason
  if request.send then
    local about = page.date and ("%s %s"):format(request.report_name, page.date) or request.report_name
    send(request, page, { subject = about .. ": data not ready", text = ("%s: %s"):format(about, text) }, "not ready")
  end
  error(ApplicationError { type = "DataNotReady", message = text }, 0)
end

local function run(request, wait)
  local page = when_ready(request, wait)
  if not page.ready then not_ready(request, page) end
  local result = { report_name = request.report_name, channel = request.channel, content_length = page.content_length, success = true,
    error_message = json.null, date = page.date }
  if request.send then
    result.messages = send(request, page, page.letter)
  else
    result.text = page.letter.text
  end
  alert.recovered(request.report_name, page.troubles)
  return result
end

local function failed(request, err, on_failure)
  local reason = reason_of(err)
  workflow.log_warning("Report failed: %s\nError: %s", request.report_name, reason)
  -- Who waits for the report has heard that its data is not there.
  if err.type ~= "DataNotReady" then
    alert.failed(request.report_name, alert.class(err), "Report failed: %s\nError: %s", request.report_name, reason)
  end
  if on_failure ~= "complete" then error(err, 0) end
  return { report_name = request.report_name, channel = request.channel, content_length = 0, success = false, error_message = reason }
end

local function request_of(input)
  local recipients = given(input.recipients) or given(input.recipient)
  return { report_name = input.report_name, channel = given(input.channel) or "slack", params = given(input.params),
    send = input.send ~= false, recipients = recipients, now = workflow.info().started_at,
    again = input.again == true and workflow.info().run_id or nil }
end

workflow "RunReportWorkflow" {
  run = function(input)
    if type(input) ~= "table" or type(input.report_name) ~= "string" then
      error(ValueError "RunReportWorkflow takes { report_name = a report's name, channel =, send =, params = }")
    end
    local request = request_of(input)
    local ok, outcome = pcall(run, request, given(input.wait))
    if ok then return outcome end
    if workflow.cancelled() then error(outcome, 0) end
    return failed(request, outcome, input.on_failure)
  end,
}

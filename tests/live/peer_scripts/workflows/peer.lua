-- Workflows that meet workers and clients in another language.

local function chain(err)
  local told = json.array {}
  while err do
    local details = err.details
    if type(details) == "table" and details.n then details = { unpack(details, 1, details.n) } end
    told[#told + 1] = { type = err.type, message = err.message, details = details, final = err.non_retryable, state = err.retry_state }
    err = err.cause
  end
  return told
end

local function options(input, more)
  local o = { task_queue = input.queue, args = input.args, start_to_close = "1m", retry = { attempts = 1 } }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

-- What an activity elsewhere gives, or the errors that it ends with.
workflow "Ask" {
  run = function(input)
    local ok, value = pcall(workflow.call, input.activity, nil, options(input))
    return ok and { value = value, kind = type(value) } or chain(value)
  end,
}

-- Gives or raises what came, as it came.
workflow "Pass" {
  run = function(input) return workflow.call(input.activity, nil, options(input)) end,
}

workflow "Stop" {
  run = function(input)
    local asked = workflow.start(input.activity, nil, options(input, { heartbeat = "5s", cancel = "wait" }))
    workflow.signal("stop"):receive()
    asked:cancel()
    return chain(select(2, pcall(asked.wait, asked)))
  end,
}

workflow "Rest" {
  run = function() return workflow.signal("go"):receive() end,
}

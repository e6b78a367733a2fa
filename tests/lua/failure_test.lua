local converter = require "converter"
local errors = require "errors"
local failure = require "failure"

local function json(text) return { payloads = { { metadata = { encoding = "json/plain" }, data = text } } } end

return {
  a_plain_error_is_a_lua_error_with_its_stack = function()
    local f = failure.from_error("a.lua:1: boom", "stack traceback:\n\t[C]: at 0x1234\n\ta.lua:1: in function <a.lua:1>\n"
      .. "\tsignalroom/workflow/api.lua:3: in function 'call'")
    assert(f.message == "a.lua:1: boom" and f.source == "LuaSDK")
    assert(f.application_failure_info.type == "LuaError")
    assert(f.stack_trace == "  a.lua:1: in function <a.lua:1>", f.stack_trace)
  end,

  a_typed_error_keeps_what_it_has = function()
    local f = failure.from_error(errors.new("OutOfStock", { message = "none", non_retryable = true, details = { n = 1 },
      next_retry_delay_ms = 1500, cause = errors.ValueError("deep") }))
    local at = f.application_failure_info
    assert(at.type == "OutOfStock" and at.non_retryable == true and at.next_retry_delay == 1500)
    assert(converter.decode_first(at.details).n == 1)
    assert(f.cause.application_failure_info.type == "ValueError" and f.cause.message == "deep")
  end,

  every_kind_of_failure_becomes_an_error_of_its_name = function()
    local kinds = {
      application_failure_info = "X", timeout_failure_info = "TimeoutError", canceled_failure_info = "CancelledError",
      terminated_failure_info = "TerminatedError", server_failure_info = "ServerError",
      reset_workflow_failure_info = "ResetError", activity_failure_info = "ActivityError",
      child_workflow_execution_failure_info = "ChildWorkflowError", nexus_operation_execution_failure_info = "NexusError",
    }
    for field, kind in pairs(kinds) do
      local err = failure.to_error { message = "m", [field] = { type = field == "application_failure_info" and "X" or nil } }
      assert(errors.is(err) and err.type == kind and err.message == "m", field)
    end
    assert(failure.to_error { message = "bare" }.type == "ApplicationError")
  end,

  what_came_from_outside_goes_out_unchanged = function()
    local f = { message = "m", source = "GoSDK", encoded_attributes = { data = "x" }, cause = { message = "c" } }
    assert(failure.from_error(failure.to_error(f)) == f)
  end,

  a_timeout_tells_which_and_what_was_done = function()
    local err = failure.to_error { message = "m", timeout_failure_info = { timeout_type = "TIMEOUT_TYPE_HEARTBEAT",
      last_heartbeat_details = json "7" } }
    assert(err.timeout_type == "heartbeat" and err.details == 7)
  end,

  several_details_are_a_list = function()
    local two = { payloads = { json("1").payloads[1], json("2").payloads[1] } }
    local err = failure.to_error { application_failure_info = { type = "T", details = two } }
    assert(err.details[1] == 1 and err.details[2] == 2 and err.details.n == 2)
  end,

  a_circle_of_causes_ends = function()
    local err = errors.ValueError("round")
    err.cause = err
    local depth, f = 0, failure.from_error(err)
    while f do depth, f = depth + 1, f.cause end
    assert(depth == 20, depth)
  end,

  cancellation_is_seen_through_activities_and_not_through_other_errors = function()
    local cancelled = errors.new("CancelledError", {})
    assert(failure.is_cancellation(cancelled))
    assert(failure.is_cancellation(errors.new("ActivityError", { cause = cancelled })))
    assert(not failure.is_cancellation(errors.new("ValueError", { cause = cancelled })))
    assert(not failure.is_cancellation(errors.new("ActivityError", { cause = errors.ValueError("x") })))
    assert(not failure.is_cancellation("CancelledError"))
  end,

  the_type_of_an_error_outlives_details_that_cannot_be_sent = function()
    for _, details in ipairs { "\255", 0 / 0, { f = print }, print } do
      local f = failure.from_error(errors.new("AuthError", { message = "m", details = details }))
      assert(f.application_failure_info.type == "AuthError" and f.message == "m")
      local told = converter.decode_first(f.application_failure_info.details)
      assert(told:find("^details that cannot be sent: "), told)
    end
    assert(failure.from_error(errors.new("CancelledError", { details = print })).canceled_failure_info.details)
  end,

  details_that_cannot_be_read_do_not_hide_the_error = function()
    local secret = { payloads = { { metadata = { encoding = "binary/encrypted" }, data = "\0\1" } } }
    local f = { message = "m", application_failure_info = { type = "T", details = secret } }
    local err = failure.to_error(f)
    assert(err.type == "T" and err.message == "m" and err.details == nil and failure.from_error(err) == f)
  end,

  a_chain_of_failures_is_cut_before_peers_refuse_it = function()
    local f = { message = "last" }
    for i = 1, 90 do f = { message = tostring(i), cause = f } end
    local err = failure.to_error(f)
    for i = 1, 5 do err = errors.new("Outer", { message = "outer " .. i, cause = err }) end
    local depth, at = 0, failure.from_error(err)
    assert(at.cause.cause.cause.cause.cause.message == "90")
    while at do depth, at = depth + 1, at.cause end
    assert(depth == 60, depth)
    assert(f.cause.cause, "the original is left whole")
  end,

  a_type_is_text_whatever_a_script_puts_there = function()
    local err = errors.ValueError("x")
    err.type = "caf\233"
    assert(failure.from_error(err).application_failure_info.type == "caf?")
    err.type = 5
    assert(failure.from_error(err).application_failure_info.type == "5")
  end,

  what_says_that_it_was_terminated_is_a_failure_of_that_type = function()
    local f = failure.from_error(errors.new("TerminatedError", { message = "m" }))
    assert(f.application_failure_info.type == "TerminatedError" and not f.terminated_failure_info)
  end,

  text_that_is_no_utf8_is_mended_and_long_text_cut = function()
    assert(failure.from_error("\237\160\128 \192\128 \244\144\128\128!").message == "??? ?? ????!")
    assert(failure.from_error("caf\233!").message == "caf?!")
    assert(failure.from_error("\195\169\226\130\172\240\159\152\128").message == "\195\169\226\130\172\240\159\152\128")
    assert(failure.from_error("\226\130").message == "??")
    assert(#failure.from_error(("x"):rep(20000)).message == 10003)
  end,
}

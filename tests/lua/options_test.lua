local options = require "options"

local KNOWN = { start_to_close = true, retry = true, heartbeat = true }

local function refusal(given)
  local ok, err = pcall(options.check, given, KNOWN, "workflow.call")
  assert(not ok)
  return err
end

return {
  known_keys_pass = function()
    options.check({ retry = 1, heartbeat = false }, KNOWN, "workflow.call")
    options.check({}, KNOWN, "workflow.call")
  end,

  a_misspelt_key_is_named_with_the_nearest = function()
    local err = refusal { hartbeat = 1 }
    assert(err:find('workflow.call has no option "hartbeat"; did you mean "heartbeat"?', 1, true), err)
  end,

  a_key_like_none_is_named_with_all = function()
    local err = refusal { colour = 1 }
    assert(err:find("it takes heartbeat, retry, start_to_close", 1, true), err)
  end,

  of_several_wrong_keys_the_first_in_order_is_named = function()
    assert(refusal({ zz = 1, aa = 2 }):find('"aa"', 1, true))
  end,

  what_is_no_table_is_refused = function()
    assert(refusal("5s"):find("must be a table, not a string", 1, true))
  end,
}

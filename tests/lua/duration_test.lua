local duration = require "duration"

local function refused(value)
  local ok, err = pcall(duration.ms, value, "the timeout")
  assert(not ok, "taken: " .. tostring(value))
  assert(err:find("the timeout must be a duration", 1, true), err)
end

return {
  words_are_read_in_all_units = function()
    local known = { ["500ms"] = 500, ["30s"] = 30000, ["5m"] = 300000, ["2h"] = 7200000, ["2d"] = 172800000,
      ["1h30m"] = 5400000, ["1.5s"] = 1500, ["0s"] = 0 }
    for word, ms in pairs(known) do assert(duration.ms(word) == ms, word) end
  end,

  numbers_are_seconds_rounded_up_to_milliseconds = function()
    assert(duration.ms(2) == 2000)
    assert(duration.ms(0.0001) == 1)
    assert(duration.ms(0.1) == 100)
    assert(duration.ms(0) == 0)
  end,

  what_is_no_duration_is_refused_with_its_purpose = function()
    for _, value in ipairs { "", "5", "5 s", "s", "5y", "-5s", "5s5", -1, 0 / 0, 1 / 0, 1e12, {}, true } do refused(value) end
    refused(nil)
  end,
}

local nearest = require "nearest"

return {
  the_nearest_word_is_meant = function()
    assert(nearest.word("limt", { "query", "limit" }) == "limit")
    assert(nearest.word("daily_cw", { "daily_ccw", "test_sync" }) == "daily_ccw")
  end,

  a_word_of_which_no_letter_would_stay_is_not_meant = function()
    assert(nearest.word("x", { "_", "y" }) == nil)
    assert(nearest.word("--", { "ui" }) == nil)
    assert(nearest.word("ab", { "ac" }) == "ac")
  end,

  what_is_far_from_all_is_none_of_them = function()
    assert(nearest.word("frobnicate", { "list", "show" }) == nil)
  end,
}

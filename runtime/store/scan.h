/*
 * Finds what a Lua text requires without running it: every `require "name"` and `require("name")`
 * outside of comments and strings, in order. A require of anything but a literal name is refused,
 * because a bundle must be known whole before it runs.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct scan {
    struct span text;
    size_t at;
    int line;
};

struct scan_require {
    struct span name;
    int line;
};

/* The next require. False at the end of the text, and with err->kind set when one is no literal. */
bool scan_next(struct scan *scan, struct scan_require *found, struct error *err);

/*
 * Options tables of the Lua modules: `http.get{url = ..., timeout = "30s"}`.
 *
 * A module says in one table which keys it knows; a key that is not there is an error that names
 * the nearest one, and so is a value of the wrong kind. Errors are raised as ValueError: a script
 * that is wrong now is wrong at the next attempt too.
 */
#pragma once

#include <lua.h>
#include <stddef.h>

#include "base/bytes.h"

enum option_kind {
    OPTION_FLAG,     /* bool */
    OPTION_COUNT,    /* size_t: a whole number from 0 */
    OPTION_SIZE,     /* size_t: bytes, or words "64KB", "10MB", "1GB" (powers of 1024) */
    OPTION_DURATION, /* int64_t milliseconds: "500ms", "30s", "5m", "1h", "2d" or seconds */
    OPTION_TEXT,     /* struct span, NUL behind it; lives as long as the options table */
    OPTION_VALUE,    /* int: the stack index of the value, 0 when it is absent */
};

struct option {
    const char *name;
    enum option_kind kind;
    size_t place; /* offset of the field; the field is left alone when the key is absent */
};

/* Reads the table at index (nil counts as empty) into `fields`. `call` is what the script wrote,
 * "http.get". */
void options_read(lua_State *L, int index, const char *call, const struct option *known,
                  void *fields);

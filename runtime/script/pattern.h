/*
 * A matcher for Lua patterns that can be stopped and that counts its steps: a pattern that explodes
 * is an error, the same on every machine. Errors are raised in L.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/bytes.h"

enum {
    PATTERN_CAPTURES = 32,
    PATTERN_OPEN = -1,     /* a capture that is not closed */
    PATTERN_POSITION = -2, /* "()" */
};

struct capture {
    const char *start;
    ptrdiff_t size; /* or PATTERN_OPEN, PATTERN_POSITION */
};

struct matcher {
    lua_State *L;
    struct vm *vm;
    const char *subject;
    const char *subject_end;
    const char *pattern_end;
    uint64_t steps;
    uint64_t steps_limit;
    int depth;
    int captures;
    struct capture capture[PATTERN_CAPTURES];
};

/* Both texts must outlive the matcher. */
struct matcher pattern_matcher(lua_State *L, struct span subject, struct span pattern);

/* The first match of the pattern's items (behind its '^' when anchored) at or behind s, and the
 * place behind it; NULL when there is none. */
const char *pattern_search(struct matcher *m, const char *s, const char *items, bool anchored,
                           const char **end);

/* A text that is read from left to right. */
#pragma once

#include <stdbool.h>

struct cursor {
    const char *p;
    const char *end;
};

/* Steps over the letter when it is the next one. */
static inline bool cursor_take(struct cursor *c, char wanted)
{
    if (c->p == c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

/* Which globals a Lua text reads or assigns, found without running it. */
#pragma once

#include "base/bytes.h"

struct global_use {
    const char *name;
    int line;
    bool assigned;
};

struct global_reader {
    void (*found)(void *user, const struct global_use *use);
    void *user;
};

/* Tells each use, in all functions of the text; nothing when it does not compile. */
void globals_read(struct span text, const struct global_reader *reader);

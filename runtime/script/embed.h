/* The Lua library that is part of the binary: runtime/lua, as source text (it keeps tracebacks). */
#pragma once

struct embed {
    const char *module; /* "workflow.init"; NULL ends the table */
    const char *text;
    const char *end;
};

extern const struct embed embed_table[];

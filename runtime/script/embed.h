/* What is part of the binary: the Lua library in runtime/lua, as text and as the code that it was
 * compiled to with the binary, and the chapters of docs/guide. */
#pragma once

struct embed {
    const char *module; /* "workflow.init", "guide/retry"; NULL ends the table */
    const char *text;
    const char *end;
    const char *code; /* NULL: a chapter */
    const char *code_end;
};

extern const struct embed embed_table[];

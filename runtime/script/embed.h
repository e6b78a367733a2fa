/* What is part of the binary as text: the Lua library in runtime/lua (its source keeps tracebacks),
 * and the chapters of docs/guide. */
#pragma once

struct embed {
    const char *module; /* "workflow.init", "guide/retry"; NULL ends the table */
    const char *text;
    const char *end;
};

extern const struct embed embed_table[];

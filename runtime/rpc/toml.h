/*
 * A strict reader for what temporal.toml is made of: tables, dotted and quoted keys, the four kinds
 * of strings, booleans, inline tables and comments (TOML 1.0). Numbers, dates and arrays are
 * checked and skipped: no setting is one. Refused: arrays of tables, NUL within strings, deep
 * nesting.
 *
 * Errors name file and line, and keys but never values, which may be secrets.
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum toml_kind { TOML_TABLE, TOML_TEXT, TOML_BOOLEAN, TOML_OTHER };

/* How a table came to be decides who may still add to it. */
enum toml_origin { TOML_IMPLIED, TOML_HEADER, TOML_DOTTED, TOML_INLINE };

struct toml_entry {
    const char *key; /* NULL: an element of an array, or the root */
    int parent;      /* its place among the entries; the root's is -1 */
    enum toml_kind kind;
    enum toml_origin origin;
    const char *text; /* of TOML_TEXT */
    bool truth;       /* of TOML_BOOLEAN */
    int line;
};

/* The entries form a tree; the root is entry 0. All of it lives in the arena. */
struct toml {
    struct arena arena;
    struct toml_entry *entries;
    int count;
    int room;
};

enum { TOML_NONE = -1, TOML_ROOT = 0 };

/* `file` is for messages. Nothing to release on failure. */
bool toml_parse(struct toml *out, struct span text, const char *file, struct error *err);

/* The entry of that name in a table, or TOML_NONE. */
int toml_child(const struct toml *t, int table, const char *key);

/* Walks a table's entries in the order of the file: start with TOML_NONE, ends with TOML_NONE. */
int toml_next(const struct toml *t, int table, int after);

void toml_release(struct toml *t);

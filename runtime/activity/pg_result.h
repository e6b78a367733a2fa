/*
 * What a statement gave: rows as packed text, and how many rows it touched.
 *
 * Rows are taken from libpq one by one and packed, so that a result has one maximum; they become
 * Lua tables a few at a time, so that a large result does not keep others from running.
 */
#pragma once

#include <libpq-fe.h>
#include <lua.h>

#include "base/bytes.h"

enum { RESULT_LIMIT = 64 << 20 };

struct column {
    char *name;
    Oid type;
};

struct result {
    struct column *columns;
    int column_count;
    struct bytes packed; /* each value: int32 length, -1 for NULL, and its bytes */
    size_t taken;        /* bytes of `packed` that have become Lua */
    double affected;     /* -1: the statement does not count rows */
    char tag[64];        /* "INSERT 0 3" */
};

void result_release(struct result *result);

/* Adds the rows of one PGresult. False beyond RESULT_LIMIT. */
bool result_add(struct result *result, const PGresult *part);

/* Takes over what the PGresult that ends a statement says of it. */
void result_end(struct result *result, PGresult *part);

/* Pushes a userdata that takes the result over. */
void result_push(lua_State *L, struct result *result);

/* Makes the metatable of results: take(list, count), columns(), affected(), tag(). */
void result_open(lua_State *L);

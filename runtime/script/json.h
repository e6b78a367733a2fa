/*
 * JSON for Lua values. Exact integers, shortest doubles that read back equal, empty array and empty
 * object kept apart, keys sorted by bytes, limits on depth and size.
 *
 * Decoding marks arrays (json.array's metatable), null is json.null, a number that a double cannot
 * hold exactly is a json.number that is written back letter by letter. Strict: no NaN, no trailing
 * comma, no duplicate key, no invalid UTF-8 and no raw control character.
 */
#pragma once

#include <lua.h>

#include "base/bytes.h"
#include "base/error.h"

/* Pushes one value. On failure pushes nothing; err tells line, column and what was expected. */
bool json_push(lua_State *L, struct span text, struct error *err);

/* Writes the value at index. A value JSON cannot hold is an error that names its path. */
bool json_write(lua_State *L, int index, struct bytes *out, struct error *err);

/* The module table for environments: decode, encode, null, array, object, number. */
int json_open(lua_State *L);

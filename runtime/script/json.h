/*
 * JSON for Lua values. Exact integers, shortest doubles that read back equal, empty array and empty
 * object kept apart, keys sorted by bytes, limits on depth and size (json_scan.h).
 *
 * Decoding marks arrays (json.array's metatable), null is json.null, a number that a double cannot
 * hold exactly (number.h has the rule) is a json.number that is written back letter by letter.
 * Strict: no NaN, no trailing comma, no duplicate key, no invalid UTF-8 and no raw control
 * character.
 *
 * Encoding: an unmarked table is an array when its keys are 1..n, an object when they are all
 * strings; an empty one is {}. Anything between is an error that names the path, and so are holes,
 * NaN, infinity, functions and text that is not UTF-8. Only raw access: no metamethod runs, so it
 * is pure, and safe in a workflow's sandbox.
 *
 * Lua's memory errors pass through these functions (as lua_error) and leave nothing behind.
 */
#pragma once

#include <lua.h>

#include "base/bytes.h"
#include "base/error.h"

/* Pushes one value. On failure pushes nothing; err tells line, column and what was expected. */
bool json_push(lua_State *L, struct span text, struct error *err);

/* Writes the value at index. A value JSON cannot hold is an error that names its path; out is then
 * as it was. */
bool json_write(lua_State *L, int index, struct bytes *out, struct error *err);

/* The literal of the json.number at index, empty when it is none; lives as long as the value. */
struct span json_number_literal(lua_State *L, int index);

/* The module table for environments: decode, encode, null, array, object, number. The functions
 * raise plain messages. Documented for scripts in lua/meta/json.lua. */
int json_open(lua_State *L);

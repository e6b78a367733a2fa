/* Lua source text to a chunk. */
#pragma once

#include <lua.h>

#include "base/bytes.h"
#include "base/error.h"

/* Pushes the chunk with L's globals as environment. Refuses bytecode, and the number literals 1LL
 * and 2i: they make LuaJIT's cdata even without its FFI, which iterates and prints by address.
 * `name` is what errors and tracebacks show. */
bool source_compile(lua_State *L, struct span name, struct span text, struct error *err);

/* "activities/money.lua" -> "activities.money" */
void source_module(struct span path, struct bytes *out);

/*
 * find, match, gmatch as in Lua's string library, replace (gsub without a callback) and
 * next_match, set in the table on top. None calls back into Lua.
 */
#pragma once

#include <lua.h>

void text_open(lua_State *L);

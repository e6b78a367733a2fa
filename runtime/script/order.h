/* pairs(table) and next(table [, key]) in a fixed order of keys. */
#pragma once

#include <lua.h>

int order_pairs(lua_State *L);
int order_next(lua_State *L);

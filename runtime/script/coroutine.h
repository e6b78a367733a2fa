/* step and status for the table on top: what coroutine.resume of scripts is made of. */
#pragma once

#include <lua.h>

void coroutine_open(lua_State *L);

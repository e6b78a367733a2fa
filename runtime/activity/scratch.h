/* What C needs for a moment while Lua errors may jump out of it: the VM frees it then. */
#pragma once

#include <lua.h>

#include "base/bytes.h"

/* Pushes an empty buffer that is released by the collector. */
struct bytes *scratch_push(lua_State *L);

/*
 * A worker as the command line runs it: started from Lua, drained by the first SIGINT or SIGTERM,
 * hurried by the second.
 *
 * Lua face: start_raw(options) gives a serving with drain, wait and health_port.
 */
#pragma once

#include <lua.h>

/* options as runtime/lua/cli/serve.lua fills them; raises ERROR_* texts as they are. */
int serve_start(lua_State *L);
void serve_open(lua_State *L);

/*
 * What the command line needs of its machine: files' owners and modes, the terminal, ports, the
 * environment, signals, child processes, replay. The Lua face is runtime/lua/cli/host.lua.
 */
#pragma once

#include <lua.h>

int system_open(lua_State *L);

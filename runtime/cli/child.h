/*
 * Child processes of the command line: servers that `signalroom dev` runs, commands that it is
 * given.
 *
 * Lua face: spawn(argv, capture, cwd) gives a process with pid, kill, ended, output and wait. What
 * a captured process prints is kept up to its last 64 KiB. A process that its owner forgets is not
 * killed; die_with_parent (see runtime/lua/cli/host.lua) covers a parent that is killed.
 */
#pragma once

#include <lua.h>

/* Pushes the functions that runtime/lua/cli/host.lua builds on. */
int child_spawn(lua_State *L);
void child_open(lua_State *L);

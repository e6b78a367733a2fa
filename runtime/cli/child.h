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
#include <stdbool.h>

struct child;

/* Pushes the functions that runtime/lua/cli/host.lua builds on. */
int child_spawn(lua_State *L);
void child_open(lua_State *L);

/* The process at that index of the stack; raises when it is none. It lives as long as the value. */
struct child *child_at(lua_State *L, int index);
bool child_ended(const struct child *child);

/* On the loop's thread, once the process has ended; NULL: nobody is told any more. */
void child_tell(struct child *child, void (*tell)(void *user), void *user);

/*
 * Runs the REPL's statements: each is a fiber of its own, so that Ctrl-C ends it and not the shell.
 *
 * A statement that waits (for a query, a request, a run) is cancelled, and whatever it waits for
 * with it. One that calculates, or does not end when cancelled, is killed at the second signal.
 */
#pragma once

#include <lua.h>

/* shell(survives) -> a shell; survives: Ctrl-C between statements does not end the process. */
int shell_new(lua_State *L);
void shell_open(lua_State *L);

/*
 * Reads lines for the REPL: with libedit from a terminal, as they are from anything else. Reading
 * blocks, so it has a thread of its own, and the two sides take turns: Lua asks for one thing and
 * waits as a fiber, the thread does it and says what came of it. Only the side whose turn it is
 * touches the editor.
 */
#pragma once

#include <lua.h>

/* editor() -> an editor of standard input. */
int editor_new(lua_State *L);
void editor_open(lua_State *L);

/*
 * Functions that run side by side: each is a fiber of its own, and the caller waits for all of
 * them. When its patience ends, what still waits is cancelled.
 */
#pragma once

#include <lua.h>

/* together_raw(functions, milliseconds): the functions are given nothing and raise nothing. */
int together(lua_State *L);

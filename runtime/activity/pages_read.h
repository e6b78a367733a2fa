/*
 * Rows and single values of a page as Lua has them: pages.rows and pages.scalar. For pages*.c
 * alone.
 */
#pragma once

#include <lua.h>

#include "activity/pages.h"

int pages_read_rows(lua_State *L);
int pages_read_scalar(lua_State *L);

/* The text at index, an argument of `call`; raises ValueError. */
struct span pages_text(lua_State *L, int index, const char *call, const char *what);

/* Wrong calls are ValueErrors, wrong data is the vendor's. */
int pages_raise(lua_State *L, const char *call, const struct error *err);

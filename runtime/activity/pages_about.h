/*
 * What a plan has to say of the rows it took: its columns with their counts, and strangers. For
 * pages*.c alone.
 */
#pragma once

#include <lua.h>

#include "activity/pages.h"

/* Push a list of tables: lua/meta/pages.lua says which fields. */
void pages_push_columns(lua_State *L, const struct pages_plan *pages);
void pages_push_strangers(lua_State *L, struct pages_plan *pages);

/* What C needs for a moment while Lua errors may jump out of it: the VM frees it then. */
#pragma once

#include <lua.h>

#include "base/bytes.h"

/* Pushes an empty buffer that is released by the collector. */
struct bytes *scratch_push(lua_State *L);

/* The shortest text that reads back as the same number; whole numbers without exponent. */
enum { NUMBER_TEXT_SIZE = 32 };
const char *number_text(double number, char text[NUMBER_TEXT_SIZE]);

/* URLs: writing queries and forms, and showing an address without what is secret in it. */
#pragma once

#include <lua.h>

#include "base/bytes.h"

/* Appends `name=value&...` from the Lua table at index, percent-encoded, names in order of bytes. A
 * list gives its name several times; false and numbers are written as JSON does. Raises when a
 * value is none of text, number, boolean, list. */
void url_add_query(lua_State *L, int index, const char *what, struct bytes *out);

/* For people: without user, password and fragment, with "***" for the values of parameters named
 * like a key, and through redact(). */
void url_show(struct span url, struct bytes *out);

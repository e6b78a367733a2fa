/*
 * The terminal's width, text cut to columns, and the environment's secrets: what the REPL needs to
 * print without breaking lines, obeying escape sequences of strangers or showing keys.
 */
#pragma once

#include <lua.h>
#include <stdbool.h>

/* Whether colours are seen there: a terminal that knows them, and nobody who minds (NO_COLOR). */
bool screen_has_colour(int fd);

int screen_columns(lua_State *L);
int screen_fit(lua_State *L);
int screen_hide_secrets(lua_State *L);

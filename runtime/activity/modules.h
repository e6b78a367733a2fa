/* The Lua modules written in C that a reactor's VM has: "native.http", "native.pg" and the others
 * behind the embedded modules activity.*. */
#pragma once

#include "activity/reactor.h"

/* Registers them in the reactor's VM, and makes http, pg, file, ... globals of its scripts. Once,
 * right after reactor_open. */
bool modules_open(struct reactor *reactor, struct error *err);

/* Makes the value on top of the stack a global of scripts and of the library, and pops it. */
void modules_global(lua_State *L, const char *name);

/* The bytes of the text or pages buffer at index; raises when it is neither. They live as long as
 * the value. */
struct span modules_bytes(lua_State *L, int index);

int cjson_open(lua_State *L);
int crypto_open(lua_State *L);
int file_open(lua_State *L);
int gunzip_open(lua_State *L);
int http_open(lua_State *L);
int json_slices_open(lua_State *L);
int log_open(lua_State *L);
int pg_open(lua_State *L);
int rate_open(lua_State *L);
int secret_open(lua_State *L);
int timer_open(lua_State *L);

/*
 * The server for Lua: one primitive, `rpc.call(method, request) -> response`, tables shaped like
 * the messages. Everything a client does is Lua on top of it (runtime/lua/rpc.lua, client.lua).
 *
 * A client belongs to one VM, whose code runs as fibers (script/fiber.h).
 */
#pragma once

#include <lua.h>

#include "rpc/rpc.h"

/* The native half of the Lua module "rpc"; a vm_module loader. Nothing is connected yet. */
int client_open(lua_State *L);

/* Ends what is outstanding and disconnects; before the VM goes. */
void client_close(lua_State *L);

/* The connection that Lua made; raises when there is none. */
struct rpc *client_rpc(lua_State *L);
const char *client_space(lua_State *L);

/* Editions of the scripts folder as Lua tables. */
#pragma once

#include <lua.h>

#include "worker/edition.h"

/* folder: true, { scripts = { { entry =, hash =, types = { name, ... } }, ... }, changes = ... } as
 * a worker would find it at its start; or false, kind and text. */
int scripts_look(lua_State *L);

/* Pushes what became of each edited file: { kind =, file =, why =, serves =, bundles = { { entry =,
 * types =, hash =, before = }, ... } }. serves: a version of the file serves on; bundles: those
 * that the file is part of and that are not what they were, without hash or before where there is
 * none. What was said of the last edition is left out. */
void scripts_push_changes(lua_State *L, const struct edition *now, const struct edition *before);

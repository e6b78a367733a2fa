/*
 * The Lua module "native.secret": settings from the environment. They do not wait, so that the top
 * level of a script may ask for them.
 *
 *   setting(name) -> text or nil    of NAME
 *   secret(name)  -> text or nil    of NAME, or of the file that NAME_FILE names, without the line
 *                                   break at its end; from then on "***" in logs and errors
 *   hide(text)    -> text           with "***" for every secret in it
 */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "activity/modules.h"
#include "activity/scratch.h"
#include "base/redact.h"

enum { SECRET_MAX = 64 << 10 };

static const char *variable(lua_State *L, int index)
{
    const char *value = getenv(luaL_checkstring(L, index));
    return value && *value ? value : NULL;
}

static int setting(lua_State *L)
{
    lua_pushstring(L, variable(L, 1));
    return 1;
}

/* A small file that is there, or a mistake of configuration: quick enough to read at once. */
static void read_file(lua_State *L, const char *name, const char *path, struct bytes *out)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        failure_raise(L, "KeyError", "%s_FILE names %s: %s", name, path, strerror(errno));
    size_t size = fread(bytes_reserve(out, SECRET_MAX), 1, SECRET_MAX, file);
    fclose(file);
    while (size && (out->data[size - 1] == '\n' || out->data[size - 1] == '\r'))
        size--;
    bytes_added(out, size);
}

static int secret(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *value = variable(L, 1);
    struct bytes *text = scratch_push(L);
    if (value) {
        bytes_add_text(text, value);
    } else {
        lua_pushfstring(L, "%s_FILE", name);
        const char *path = variable(L, -1);
        if (!path)
            return 0;
        read_file(L, name, path, text);
    }
    redact_register(bytes_span(text));
    lua_pushlstring(L, bytes_text(text), text->size);
    return 1;
}

static int hide(lua_State *L)
{
    size_t size;
    const char *given = luaL_checklstring(L, 1, &size);
    struct bytes *text = scratch_push(L);
    bytes_add(text, given, size);
    redact(text);
    lua_pushlstring(L, bytes_text(text), text->size);
    return 1;
}

static const luaL_Reg functions[] = {
    {"setting", setting},
    {"secret",  secret },
    {"hide",    hide   },
    {NULL,      NULL   },
};

int secret_open(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

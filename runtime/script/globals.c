#include "script/globals.h"

#include <lauxlib.h>
#include <lualib.h>

#include "script/embed.h"

static int tell(lua_State *L)
{
    const struct global_reader *reader = lua_touserdata(L, lua_upvalueindex(1));
    const struct global_use use = {luaL_checkstring(L, 1), (int)luaL_checkinteger(L, 2),
                                   lua_toboolean(L, 3)};
    reader->found(reader->user, &use);
    return 0;
}

static const struct embed *find(const char *module)
{
    const struct embed *e = embed_table;
    while (strcmp(e->module, module) != 0)
        e++;
    return e;
}

/* The text and the reader are on the stack. */
static int read_all(lua_State *L)
{
    const struct span *text = lua_touserdata(L, 1);
    const struct embed *walk = find("sandbox.globals");
    luaL_openlibs(L);
    if (luaL_loadbufferx(L, walk->text, (size_t)(walk->end - walk->text), "=globals", "t") != 0)
        return lua_error(L);
    lua_call(L, 0, 1);
    if (luaL_loadbufferx(L, text->data, text->size, "=text", "t") != 0)
        return 0;
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, tell, 1);
    lua_call(L, 2, 0);
    return 0;
}

void globals_read(struct span text, const struct global_reader *reader)
{
    lua_State *L = luaL_newstate();
    if (!L)
        return;
    lua_pushcfunction(L, read_all);
    lua_pushlightuserdata(L, &text);
    lua_pushlightuserdata(L, (void *)reader);
    lua_pcall(L, 2, 0, 0);
    lua_close(L);
}

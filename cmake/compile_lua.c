/*
 * compile_lua OUT LUA MODULE...: OUT/MODULE.luac for each, which LUA/MODULE.lua with its dots as
 * slashes says. Compiled by the LuaJIT that the binary has, and with lines and names left in, so
 * that tracebacks are those of the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

static int write_out(lua_State *L, const void *part, size_t size, void *file)
{
    (void)L;
    return fwrite(part, 1, size, file) != size;
}

/* Pushes "=signalroom/a/b.lua". */
static const char *push_name(lua_State *L, const char *module)
{
    luaL_gsub(L, module, ".", "/");
    return lua_pushfstring(L, "=signalroom/%s.lua", lua_tostring(L, -1));
}

/* Pushes the text of the file. */
static void push_text(lua_State *L, const char *path)
{
    luaL_Buffer text;
    size_t size;
    FILE *file = fopen(path, "rb");
    if (!file)
        luaL_error(L, "%s cannot be read", path);
    luaL_buffinit(L, &text);
    while ((size = fread(luaL_prepbuffer(&text), 1, LUAL_BUFFERSIZE, file)) > 0)
        luaL_addsize(&text, size);
    luaL_pushresult(&text);
    fclose(file);
}

/* compile(out, lua, module) */
static int compile(lua_State *L)
{
    size_t size;
    const char *name = push_name(L, lua_tostring(L, 3));
    const char *relative = name + sizeof "=signalroom";
    push_text(L, lua_pushfstring(L, "%s/%s", lua_tostring(L, 2), relative));
    const char *text = lua_tolstring(L, -1, &size);
    if (luaL_loadbufferx(L, text, size, name, "t") != 0)
        return lua_error(L);
    const char *path = lua_pushfstring(L, "%s/%s.luac", lua_tostring(L, 1), lua_tostring(L, 3));
    lua_insert(L, -2);
    FILE *file = fopen(path, "wb");
    int failed = !file || lua_dump(L, write_out, file);
    if (!file || fclose(file) != 0 || failed)
        return luaL_error(L, "%s cannot be written", path);
    return 0;
}

int main(int count, char **words)
{
    for (int i = 3; i < count; i++) {
        lua_State *L = luaL_newstate();
        lua_pushcfunction(L, compile);
        lua_pushstring(L, words[1]);
        lua_pushstring(L, words[2]);
        lua_pushstring(L, words[i]);
        if (lua_pcall(L, 3, 0, 0) != 0) {
            fprintf(stderr, "%s\n", lua_tostring(L, -1));
            return EXIT_FAILURE;
        }
        lua_close(L);
    }
    return EXIT_SUCCESS;
}

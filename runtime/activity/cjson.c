/*
 * `require "cjson"` for scripts that expect it: Debian's lua-cjson, loaded when it is asked for.
 * Its shared object finds Lua's functions in our binary, which shows them for this purpose
 * (cmake/lua.list). Our own json keeps numbers exact; this one does not.
 */
#include <dlfcn.h>
#include <lauxlib.h>

#include "activity/failure.h"
#include "activity/modules.h"

int cjson_open(lua_State *L)
{
    static const char *const paths[] = {CJSON_PATH, "/usr/local/lib/lua/5.1/cjson.so",
                                        "/usr/lib/lua/5.1/cjson.so"};
    void *library = NULL;
    for (size_t i = 0; !library && i < sizeof paths / sizeof *paths; i++)
        library = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
    lua_CFunction open = library ? (lua_CFunction)dlsym(library, "luaopen_cjson") : NULL;
    if (!open)
        failure_raise(L, "ValueError",
                      "cjson is not installed (Debian: lua-cjson); json is always there");
    return open(L);
}

#include "activity/scratch.h"

#include <lauxlib.h>

#define SCRATCH "signalroom.scratch"

static int release(lua_State *L)
{
    bytes_release(lua_touserdata(L, 1));
    return 0;
}

struct bytes *scratch_push(lua_State *L)
{
    struct bytes *scratch = lua_newuserdata(L, sizeof *scratch);
    memset(scratch, 0, sizeof *scratch);
    if (luaL_newmetatable(L, SCRATCH)) {
        lua_pushcfunction(L, release);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return scratch;
}

/* The Lua module "native.rate": rate.h with the time of now. */
#include <lauxlib.h>

#include "activity/modules.h"
#include "activity/rate.h"
#include "base/clock.h"

static struct span key_of(lua_State *L)
{
    struct span key;
    key.data = luaL_checklstring(L, 1, &key.size);
    return key;
}

/* take(key, count, period_ms): a turn, as two numbers */
static int take(lua_State *L)
{
    const struct rate rate = {(int64_t)luaL_checknumber(L, 2), (int64_t)luaL_checknumber(L, 3)};
    struct rate_turn turn = rate_take(key_of(L), rate, clock_monotonic_ms());
    lua_pushnumber(L, (double)turn.begins_ms);
    lua_pushnumber(L, (double)turn.moved_ms);
    return 2;
}

static int push_time_until(lua_State *L, int64_t then_ms)
{
    int64_t left_ms = then_ms - clock_monotonic_ms();
    lua_pushnumber(L, left_ms > 0 ? (double)left_ms : 0);
    return 1;
}

/* left(key, turn): milliseconds until the turn begins */
static int left(lua_State *L)
{
    const struct rate_turn turn = {(int64_t)luaL_checknumber(L, 2),
                                   (int64_t)luaL_checknumber(L, 3)};
    return push_time_until(L, rate_begins(key_of(L), turn));
}

/* held(key): milliseconds that nobody may begin */
static int held(lua_State *L)
{
    return push_time_until(L, rate_held(key_of(L)));
}

static int hold(lua_State *L)
{
    int64_t now_ms = clock_monotonic_ms();
    rate_hold(key_of(L), now_ms + (int64_t)luaL_checknumber(L, 2), now_ms);
    return 0;
}

static const luaL_Reg functions[] = {
    {"take", take},
    {"left", left},
    {"held", held},
    {"hold", hold},
    {NULL,   NULL},
};

int rate_open(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

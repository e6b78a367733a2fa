/* The module "zone": business days of instants, for scripts. */
#include <lauxlib.h>
#include <math.h>

#include "activity/day.h"
#include "activity/failure.h"
#include "activity/zone.h"

static const double first_epoch = -62167219200; /* 0000-01-01T00:00:00Z */
static const double last_epoch = 253402300799;  /* 9999-12-31T23:59:59Z */

static const struct zone *check_zone(lua_State *L, int index, const char *call)
{
    struct span name = {"", 0};
    struct error err;
    if (lua_type(L, index) == LUA_TSTRING)
        name.data = lua_tolstring(L, index, &name.size);
    const struct zone *zone = zone_find(name, &err);
    if (!zone)
        failure_raise(L, "ValueError", "%s: %s", call, err.text);
    return zone;
}

static int64_t check_epoch(lua_State *L, const char *call)
{
    double epoch = lua_type(L, 1) == LUA_TNUMBER ? floor(lua_tonumber(L, 1)) : NAN;
    if (!(epoch >= first_epoch && epoch <= last_epoch))
        failure_raise(L, "ValueError", "%s: a time must be seconds since 1970, not %s", call,
                      failure_show(L, 1));
    return (int64_t)epoch;
}

static int zone_date(lua_State *L)
{
    char text[DAY_TEXT];
    int64_t epoch = check_epoch(L, "zone.date");
    int64_t day = zone_day(check_zone(L, 2, "zone.date"), epoch);
    lua_pushlstring(L, text, day_write(day, text));
    return 1;
}

static int zone_start(lua_State *L)
{
    struct span text = {"", 0};
    int64_t day;
    if (lua_type(L, 1) == LUA_TSTRING)
        text.data = lua_tolstring(L, 1, &text.size);
    if (!day_read(text, &day))
        failure_raise(L, "ValueError", "zone.start: a day must be a date \"YYYY-MM-DD\", not %s",
                      failure_show(L, 1));
    lua_pushnumber(L, (lua_Number)zone_day_start(check_zone(L, 2, "zone.start"), day));
    return 1;
}

static int zone_east(lua_State *L)
{
    int64_t epoch = check_epoch(L, "zone.offset");
    lua_pushinteger(L, zone_offset(check_zone(L, 2, "zone.offset"), epoch));
    return 1;
}

static const luaL_Reg functions[] = {
    {"date",   zone_date },
    {"start",  zone_start},
    {"offset", zone_east },
    {NULL,     NULL      },
};

int zone_open(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

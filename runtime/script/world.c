#include "script/world.h"

#include <math.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <lauxlib.h>

#include "base/clock.h"
#include "script/vm_state.h"

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static void change_time(struct world *world, double now_ms)
{
    if (!world->has_now)
        world->first_ms = now_ms;
    world->now_ms = now_ms;
    world->has_now = true;
}

/* splitmix64 from the eight bytes, little endian, fills the state of xoshiro256**. Frozen: replays
 * depend on it. */
static void fill_chance(struct world *world, const unsigned char eight[8])
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x |= (uint64_t)eight[i] << (8 * i);
    for (int i = 0; i < 4; i++) {
        x += 0x9e3779b97f4a7c15ULL;
        uint64_t z = x;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        world->chance[i] = z ^ (z >> 31);
    }
}

static uint64_t draw(struct world *world)
{
    uint64_t *s = world->chance;
    uint64_t drawn = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return drawn;
}

void world_release(struct world *world, lua_State *L)
{
    luaL_unref(L, LUA_REGISTRYINDEX, world->names ? world->names : LUA_NOREF);
    luaL_unref(L, LUA_REGISTRYINDEX, world->host ? world->host : LUA_NOREF);
    world->names = 0;
    world->host = 0;
}

static struct world *world_of(lua_State *L)
{
    return vm_of(L)->current;
}

/* --- chance --- */

static bool is_seeded(const struct world *world)
{
    return (world->chance[0] | world->chance[1] | world->chance[2] | world->chance[3]) != 0;
}

static struct world *seeded(lua_State *L)
{
    struct world *world = world_of(L);
    unsigned char eight[8];
    if (!is_seeded(world)) {
        if (!world->real)
            script_error(L, "chance has no seed at a script's top level: draw inside run");
        if (getentropy(eight, sizeof eight) != 0)
            script_error(L, "the system has no entropy");
        fill_chance(world, eight);
    }
    return world;
}

static double draw_double(struct world *world)
{
    return (double)(draw(world) >> 11) * 0x1p-53;
}

/* random_double() */
static int random_double(lua_State *L)
{
    lua_pushnumber(L, draw_double(seeded(L)));
    return 1;
}

/* math.random([m [, n]]) */
static int random_number(lua_State *L)
{
    struct world *world = seeded(L);
    int count = lua_gettop(L);
    if (count == 0) {
        lua_pushnumber(L, draw_double(world));
        return 1;
    }
    double low = count > 1 ? floor(luaL_checknumber(L, 1)) : 1;
    double high = floor(luaL_checknumber(L, count > 1 ? 2 : 1));
    luaL_argcheck(L, low <= high, count > 1 ? 2 : 1, "interval is empty");
    lua_pushnumber(L, floor(draw_double(world) * (high - low + 1)) + low);
    return 1;
}

/* math.randomseed(number) */
static int random_seed(lua_State *L)
{
    double number = luaL_checknumber(L, 1);
    unsigned char eight[8];
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    for (int i = 0; i < 8; i++)
        eight[i] = (unsigned char)(bits >> (8 * i));
    fill_chance(world_of(L), eight);
    return 0;
}

/* seed(eight_bytes) */
static int seed(lua_State *L)
{
    size_t size;
    const char *eight = luaL_checklstring(L, 1, &size);
    luaL_argcheck(L, size == 8, 1, "eight bytes expected");
    fill_chance(world_of(L), (const unsigned char *)eight);
    return 0;
}

/* uuid4(): the first draw's bytes, low byte first, then the second's */
static int uuid4(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    struct world *world = seeded(L);
    uint64_t half[2] = {draw(world), draw(world)};
    char text[36];
    char *out = text;
    for (int i = 0; i < 16; i++) {
        unsigned byte = (half[i / 8] >> (8 * (i % 8))) & 0xff;
        if (i == 6)
            byte = (byte & 0x0f) | 0x40;
        if (i == 8)
            byte = (byte & 0x3f) | 0x80;
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    lua_pushlstring(L, text, sizeof text);
    return 1;
}

/* --- time, always UTC --- */

static double now_ms(lua_State *L)
{
    struct world *world = world_of(L);
    if (world->real)
        return (double)clock_wall_ms();
    if (!world->has_now)
        script_error(L, "there is no time at a script's top level: ask inside run");
    return world->now_ms;
}

/* set_now(milliseconds) */
static int set_now(lua_State *L)
{
    change_time(world_of(L), luaL_checknumber(L, 1));
    return 0;
}

static int field(lua_State *L, const char *name, int fallback)
{
    lua_pushstring(L, name);
    lua_rawget(L, 1);
    bool missing = lua_isnil(L, -1);
    if (!missing && !lua_isnumber(L, -1))
        script_error(L, "field '%s' must be a number", name);
    if (missing && fallback < 0)
        script_error(L, "field '%s' missing in date table", name);
    double number = missing ? fallback : lua_tonumber(L, -1);
    lua_pop(L, 1);
    if (!(fabs(number) < 1e8))
        script_error(L, "field '%s' is out of range", name);
    return (int)number;
}

/* os.time([{year=, month=, day=, hour=12, min=0, sec=0}]) */
static int os_time(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_pushnumber(L, floor(now_ms(L) / 1000));
        return 1;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    struct tm parts = {
        .tm_year = field(L, "year", -1) - 1900,
        .tm_mon = field(L, "month", -1) - 1,
        .tm_mday = field(L, "day", -1),
        .tm_hour = field(L, "hour", 12),
        .tm_min = field(L, "min", 0),
        .tm_sec = field(L, "sec", 0),
    };
    lua_pushnumber(L, (double)timegm(&parts));
    return 1;
}

static void push_parts(lua_State *L, const struct tm *parts)
{
    const struct {
        const char *name;
        int value;
    } fields[] = {
        {"year",  parts->tm_year + 1900},
        {"month", parts->tm_mon + 1    },
        {"day",   parts->tm_mday       },
        {"hour",  parts->tm_hour       },
        {"min",   parts->tm_min        },
        {"sec",   parts->tm_sec        },
        {"wday",  parts->tm_wday + 1   },
        {"yday",  parts->tm_yday + 1   },
    };
    lua_createtable(L, 0, 9);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushinteger(L, fields[i].value);
        lua_setfield(L, -2, fields[i].name);
    }
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "isdst");
}

/* os.date([format [, seconds]]): with and without "!" the same */
static int os_date(lua_State *L)
{
    const char *format = luaL_optstring(L, 1, "%c");
    double when = lua_isnoneornil(L, 2) ? floor(now_ms(L) / 1000) : luaL_checknumber(L, 2);
    luaL_argcheck(L, fabs(when) < 1e15, 2, "time is out of range");
    time_t seconds = (time_t)floor(when);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts))
        return script_error(L, "time is out of range");
    if (*format == '!')
        format++;
    if (strncmp(format, "*t", 2) == 0) {
        push_parts(L, &parts);
        return 1;
    }
    char text[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t size = strftime(text, sizeof text, format, &parts);
#pragma GCC diagnostic pop
    if (size == 0 && *format)
        return script_error(L, "the date is longer than 511 bytes");
    lua_pushlstring(L, text, size);
    return 1;
}

/* os.clock(): seconds since the run began */
static int os_clock(lua_State *L)
{
    lua_pushnumber(L, (now_ms(L) - world_of(L)->first_ms) / 1000);
    return 1;
}

/* --- names --- */

static void push_names(lua_State *L, struct world *world)
{
    if (world->names) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, world->names);
        return;
    }
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    world->names = luaL_ref(L, LUA_REGISTRYINDEX);
}

void world_name(lua_State *L, int index)
{
    struct world *world = world_of(L);
    lua_pushvalue(L, index);
    push_names(L, world);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -2);
        lua_pushnumber(L, ++world->name_count);
        lua_rawset(L, -3);
        lua_pushnumber(L, world->name_count);
    }
    lua_pushfstring(L, "%s: #%d", luaL_typename(L, -3), (int)lua_tointeger(L, -1));
    lua_replace(L, -4);
    lua_pop(L, 2);
}

/* --- what leaves no trace --- */

struct mark {
    uint64_t chance[4];
    unsigned name_count;
};

/* mark() -> chance and names as they are now, for rewind */
static int mark(lua_State *L)
{
    const struct world *world = world_of(L);
    struct mark now = {.name_count = world->name_count};
    memcpy(now.chance, world->chance, sizeof now.chance);
    lua_pushlstring(L, (const char *)&now, sizeof now);
    return 1;
}

static void forget_names(lua_State *L, struct world *world, unsigned from)
{
    push_names(L, world);
    for (lua_pushnil(L); lua_next(L, -2);) {
        bool later = lua_tonumber(L, -1) > from;
        lua_pop(L, 1);
        if (!later)
            continue;
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, -4);
    }
    lua_pop(L, 1);
}

/* rewind(mark): what was drawn and named since is as if it had not been */
static int rewind_to(lua_State *L)
{
    struct world *world = world_of(L);
    struct mark then;
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    luaL_argcheck(L, size == sizeof then, 1, "a mark expected");
    memcpy(&then, bytes, sizeof then);
    memcpy(world->chance, then.chance, sizeof then.chance);
    if (world->name_count == then.name_count)
        return 0;
    forget_names(L, world, then.name_count);
    world->name_count = then.name_count;
    return 0;
}

/* --- the run itself --- */

/* adopt(host, env): the running coroutine is the run's, its globals are env */
static int adopt(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_pushvalue(L, 1);
    world_of(L)->host = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, 2);
    lua_replace(L, LUA_GLOBALSINDEX);
    return 0;
}

/* current() -> the host of the run that is running, nil in other VMs */
static int current(lua_State *L)
{
    if (world_of(L)->host)
        lua_rawgeti(L, LUA_REGISTRYINDEX, world_of(L)->host);
    else
        lua_pushnil(L);
    return 1;
}

void world_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"random",        random_number},
        {"random_double", random_double},
        {"randomseed",    random_seed  },
        {"seed",          seed         },
        {"uuid4",         uuid4        },
        {"set_now",       set_now      },
        {"time",          os_time      },
        {"date",          os_date      },
        {"clock",         os_clock     },
        {"mark",          mark         },
        {"rewind",        rewind_to    },
        {"adopt",         adopt        },
        {"current",       current      },
        {NULL,            NULL         },
    };
    luaL_setfuncs(L, functions, 0);
}

/*
 * require "script" of the embedded library: the C functions that the sandbox is built from. None of
 * them calls back into Lua.
 */
#include <limits.h>
#include <stdlib.h>

#include <lauxlib.h>

#include "base/utf8.h"
#include "script/coroutine.h"
#include "script/order.h"
#include "script/source.h"
#include "script/text.h"
#include "script/vm_state.h"

enum { TEXT_LIMIT = 16 << 20, LOAD_LIMIT = 4 << 20 };

/* place([coroutine or level]) -> "file:line" of the script, or "" */
static int place(lua_State *L)
{
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    struct bytes text = {0};
    script_place_from(co, lua_isnumber(L, 1) ? (int)lua_tointeger(L, 1) : 0, &text);
    lua_pushlstring(L, bytes_text(&text), text.size);
    bytes_release(&text);
    return 1;
}

/* stack([coroutine]) -> lines */
static int stack(lua_State *L)
{
    struct bytes text = {0};
    if (lua_isthread(L, 1))
        script_stack(lua_tothread(L, 1), &text);
    else
        vm_stack(L, &text);
    lua_pushlstring(L, bytes_text(&text), text.size);
    bytes_release(&text);
    return 1;
}

/* name(value) -> "table: #1" */
static int name(lua_State *L)
{
    world_name(L, 1);
    return 1;
}

/* metafield(value, name) -> the field of its metatable, whatever __metatable hides, or nil */
static int metafield(lua_State *L)
{
    if (!luaL_getmetafield(L, 1, luaL_checkstring(L, 2)))
        lua_pushnil(L);
    return 1;
}

/* utf8(text) -> the text, with a "?" for each byte that is no UTF-8 */
static int utf8(lua_State *L)
{
    struct span text;
    struct bytes mended = {0};
    text.data = luaL_checklstring(L, 1, &text.size);
    lua_settop(L, 1);
    if (utf8_valid(text))
        return 1;
    utf8_mend(text, &mended);
    lua_pushlstring(L, bytes_text(&mended), mended.size);
    bytes_release(&mended);
    return 1;
}

/* The names as upvalues: a constant's lookup would cost more than the call. */
static bool has_field(lua_State *L, int table, int upvalue)
{
    lua_pushvalue(L, lua_upvalueindex(upvalue));
    lua_rawget(L, table);
    bool has = !lua_isnil(L, -1);
    lua_pop(L, 1);
    return has;
}

/* setmetatable(table, metatable or nil), without finalizers and weak tables */
static int set_metatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table expected");
    lua_settop(L, 2);
    if (lua_getmetatable(L, 1) && has_field(L, 3, 1))
        return script_error(L, "cannot change a protected metatable");
    for (int i = 2; lua_istable(L, 2) && i <= 3; i++)
        if (has_field(L, 2, i))
            return script_error(
                L, "%s is not available: when garbage is collected differs from run to run",
                lua_tostring(L, lua_upvalueindex(i)));
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static void open_set_metatable(lua_State *L)
{
    lua_pushliteral(L, "__metatable");
    lua_pushliteral(L, "__gc");
    lua_pushliteral(L, "__mode");
    lua_pushcclosure(L, set_metatable, 3);
    lua_setfield(L, -2, "setmetatable");
}

/* compile(text, name, environment) -> chunk, or nil and why not */
static int compile(lua_State *L)
{
    struct span text;
    struct span chunk;
    struct error err = {0};
    text.data = luaL_checklstring(L, 1, &text.size);
    chunk.data = luaL_checklstring(L, 2, &chunk.size);
    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_argcheck(L, text.size <= LOAD_LIMIT, 1, "longer than 4 MiB");
    if (!source_compile(L, chunk, text, &err)) {
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    lua_pushvalue(L, 3);
    lua_setfenv(L, -2);
    return 1;
}

/* set_environment(chunk, environment) -> chunk */
static int set_environment(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_setfenv(L, 1);
    return 1;
}

static size_t text_size(lua_State *L, int index)
{
    return lua_isstring(L, index) ? lua_objlen(L, index) : 0;
}

/* check_repeat(text, count, separator): raises when the result would be too large */
static int check_repeat(lua_State *L)
{
    double count = lua_isnumber(L, 2) ? lua_tonumber(L, 2) : 0;
    double size = (double)(text_size(L, 1) + text_size(L, 3));
    if (count > 0 && size * count > TEXT_LIMIT)
        return script_error(L, "string.rep: the result would be larger than 16 MiB");
    return 0;
}

/* check_concat(list, separator, first, last) */
static int check_concat(lua_State *L)
{
    if (!lua_istable(L, 1))
        return 0;
    size_t separator = text_size(L, 2);
    double last = lua_isnumber(L, 4) ? lua_tonumber(L, 4) : (double)lua_objlen(L, 1);
    double at = lua_isnumber(L, 3) ? lua_tonumber(L, 3) : 1;
    size_t total = 0;
    if (!(at >= INT_MIN && last <= INT_MAX))
        return 0;
    for (; at <= last; at++) {
        lua_rawgeti(L, 1, (int)at);
        size_t size = lua_type(L, -1) == LUA_TSTRING ? lua_objlen(L, -1) : 24;
        bool ends = lua_isnil(L, -1);
        lua_pop(L, 1);
        total += size + separator;
        if (total > TEXT_LIMIT)
            return script_error(L, "table.concat: the result would be larger than 16 MiB");
        if (ends)
            break;
    }
    return 0;
}

/* is_plain(format, ...): true when string.format needs no tostring of a table or the like; raises
 * for %p, which shows an address */
static int is_plain(lua_State *L)
{
    const char *format = lua_tostring(L, 1);
    for (const char *c = format ? strchr(format, '%') : NULL; c; c = strchr(c, '%')) {
        c++;
        c += strspn(c, "-+ #0123456789.");
        if (*c == 'p')
            return script_error(L, "%%p is not available: addresses differ from run to run");
        c += *c != '\0';
    }
    bool plain = true;
    for (int i = lua_gettop(L); plain && i > 1; i--)
        plain = lua_type(L, i) <= LUA_TSTRING && lua_type(L, i) != LUA_TLIGHTUSERDATA;
    lua_pushboolean(L, plain);
    return 1;
}

int script_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"place",           place          },
        {"stack",           stack          },
        {"name",            name           },
        {"metafield",       metafield      },
        {"utf8",            utf8           },
        {"compile",         compile        },
        {"set_environment", set_environment},
        {"check_repeat",    check_repeat   },
        {"check_concat",    check_concat   },
        {"is_plain",        is_plain       },
        {"pairs",           order_pairs    },
        {"next",            order_next     },
        {NULL,              NULL           },
    };
    static const char *const kinds[] = {"workflow", "activity", "tool"};
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    open_set_metatable(L);
    coroutine_open(L);
    text_open(L);
    world_open(L);
    lua_pushstring(L, kinds[vm_of(L)->kind]);
    lua_setfield(L, -2, "kind");
    return 1;
}

/*
 * pairs and next in one order everywhere: numbers ascending, false, true, strings by bytes.
 * LuaJIT's own order differs from VM to VM. Keys without an order (tables, functions, coroutines)
 * are an error, since any order for them would differ between a run and its replay.
 *
 * pairs walks the keys that were there when it began; a key that is gone when its turn comes is
 * left out, a key that is new is not visited.
 */
#include "script/order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "script/vm.h"

enum { FEW = 32 }; /* keys that are sorted without memory of their own */

struct key {
    int type; /* LUA_TNUMBER, LUA_TBOOLEAN or LUA_TSTRING */
    double number;
    const char *text; /* the table keeps it alive */
    size_t size;
};

static int rank(int type)
{
    return type == LUA_TNUMBER ? 0 : type == LUA_TBOOLEAN ? 1 : 2;
}

static int compare(const void *left, const void *right)
{
    const struct key *a = left;
    const struct key *b = right;
    if (a->type != b->type)
        return rank(a->type) - rank(b->type);
    if (a->type != LUA_TSTRING)
        return (a->number > b->number) - (a->number < b->number);
    int order = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static struct key read_key(lua_State *L, int index)
{
    struct key key = {.type = lua_type(L, index)};
    switch (key.type) {
    case LUA_TNUMBER:
        key.number = lua_tonumber(L, index);
        break;
    case LUA_TBOOLEAN:
        key.number = lua_toboolean(L, index);
        break;
    case LUA_TSTRING:
        key.text = lua_tolstring(L, index, &key.size);
        break;
    default:
        script_error(L,
                     "a %s as a key has no fixed order; keep such things in a list and use ipairs",
                     luaL_typename(L, index));
    }
    return key;
}

static void push_key(lua_State *L, const struct key *key)
{
    if (key->type == LUA_TNUMBER)
        lua_pushnumber(L, key->number);
    else if (key->type == LUA_TBOOLEAN)
        lua_pushboolean(L, key->number != 0);
    else
        lua_pushlstring(L, key->text, key->size);
}

static bool is_present(lua_State *L, int table)
{
    lua_pushvalue(L, -1);
    lua_rawget(L, table);
    bool present = !lua_isnil(L, -1);
    if (!present)
        lua_pop(L, 2);
    return present;
}

/* The iterator over a list: upvalues its length at the start and the place. */
static int next_item(lua_State *L)
{
    int count = (int)lua_tointeger(L, lua_upvalueindex(1));
    int at = (int)lua_tointeger(L, lua_upvalueindex(2));
    while (++at <= count) {
        lua_pushnumber(L, at);
        if (is_present(L, 1)) {
            lua_pushinteger(L, at);
            lua_replace(L, lua_upvalueindex(2));
            return 2;
        }
    }
    return 0;
}

/* The iterator over anything else: upvalues the sorted keys and the place among them. */
static int next_key(lua_State *L)
{
    int at = (int)lua_tointeger(L, lua_upvalueindex(2));
    for (;;) {
        lua_rawgeti(L, lua_upvalueindex(1), ++at);
        if (lua_isnil(L, -1))
            return 0;
        if (is_present(L, 1)) {
            lua_pushinteger(L, at);
            lua_replace(L, lua_upvalueindex(2));
            return 2;
        }
    }
}

/* Counts the keys of the table at 1; `list` says whether they are 1 to count. */
static int count_keys(lua_State *L, bool *list)
{
    int count = 0;
    double greatest = 0;
    *list = true;
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1), count++) {
        double number = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (number < 1 || number != (double)(int64_t)number)
            *list = false;
        else if (number > greatest)
            greatest = number;
    }
    *list = *list && greatest == count;
    return count;
}

static void push_sorted_keys(lua_State *L, int count)
{
    struct key few[FEW];
    struct key *keys = few;
    int n = 0;
    if (count > FEW)
        keys = lua_newuserdata(L, (size_t)count * sizeof *keys);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
        keys[n++] = read_key(L, lua_gettop(L) - 1);
    qsort(keys, (size_t)count, sizeof *keys, compare);
    lua_createtable(L, count, 0);
    for (int i = 0; i < count; i++) {
        push_key(L, &keys[i]);
        lua_rawseti(L, -2, i + 1);
    }
    if (count > FEW)
        lua_remove(L, -2);
}

int order_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    bool list;
    int count = count_keys(L, &list);
    if (list)
        lua_pushinteger(L, count);
    else
        push_sorted_keys(L, count);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, list ? next_item : next_key, 2);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

int order_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    bool from_start = lua_isnil(L, 2);
    struct key after = from_start ? (struct key){0} : read_key(L, 2);
    struct key best = {.type = LUA_TNIL};
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        struct key key = read_key(L, lua_gettop(L) - 1);
        bool later = from_start || compare(&key, &after) > 0;
        if (later && (best.type == LUA_TNIL || compare(&key, &best) < 0))
            best = key;
    }
    if (best.type == LUA_TNIL) {
        lua_pushnil(L);
        return 1;
    }
    push_key(L, &best);
    lua_pushvalue(L, -1);
    lua_rawget(L, 1);
    return 2;
}

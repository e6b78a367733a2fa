#include "script/json_vm.h"

#include <lauxlib.h>
#include <string.h>

#include "script/json.h"

enum { KEEP = 1 << 20 };

/* Their addresses are the keys in the registry. */
static const char vm_key;
static const char mark_keys[JSON_MARKS];
static const char *const mark_names[JSON_MARKS] = {"json.array", "json.object", "json.number"};

static int vm_gc(lua_State *L)
{
    struct json_vm *vm = lua_touserdata(L, 1);
    bytes_release(&vm->text);
    bytes_release(&vm->keys);
    return 0;
}

static struct span literal_at(lua_State *L, int index)
{
    return (struct span){lua_touserdata(L, index), lua_objlen(L, index)};
}

static bool is_number(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return false;
    lua_pushlightuserdata(L, (void *)&mark_keys[JSON_MARK_NUMBER]);
    lua_rawget(L, LUA_REGISTRYINDEX);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

struct span json_number_literal(lua_State *L, int index)
{
    if (index < 0 && index > LUA_REGISTRYINDEX)
        index = lua_gettop(L) + 1 + index;
    return is_number(L, index) ? literal_at(L, index) : (struct span){0};
}

static int number_tostring(lua_State *L)
{
    if (!is_number(L, 1))
        return luaL_typerror(L, 1, "json.number");
    struct span literal = literal_at(L, 1);
    lua_pushlstring(L, literal.data, literal.size);
    return 1;
}

static int number_eq(lua_State *L)
{
    bool both = is_number(L, 1) && is_number(L, 2);
    lua_pushboolean(L, both && span_equal(literal_at(L, 1), literal_at(L, 2)));
    return 1;
}

static int number_concat(lua_State *L)
{
    for (int i = 1; i <= 2; i++) {
        if (!is_number(L, i)) {
            luaL_checkstring(L, i);
            continue;
        }
        struct span literal = literal_at(L, i);
        lua_pushlstring(L, literal.data, literal.size);
        lua_replace(L, i);
    }
    lua_settop(L, 2);
    lua_concat(L, 2);
    return 1;
}

static const luaL_Reg number_methods[] = {
    {"__tostring", number_tostring},
    {"__eq",       number_eq      },
    {"__concat",   number_concat  },
    {NULL,         NULL           },
};

static void push_mark(lua_State *L, enum json_mark mark)
{
    lua_pushlightuserdata(L, (void *)&mark_keys[mark]);
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    if (mark == JSON_MARK_NUMBER)
        luaL_register(L, NULL, number_methods);
    lua_pushstring(L, mark_names[mark]);
    lua_setfield(L, -2, "__metatable");
    lua_pushlightuserdata(L, (void *)&mark_keys[mark]);
    lua_pushvalue(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

struct json_vm *json_vm_push(lua_State *L)
{
    luaL_checkstack(L, JSON_MARKS + 4, "JSON");
    for (int mark = 0; mark < JSON_MARKS; mark++)
        push_mark(L, mark);
    lua_pushlightuserdata(L, (void *)&vm_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    struct json_vm *vm = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (vm)
        return vm;
    vm = lua_newuserdata(L, sizeof *vm);
    *vm = (struct json_vm){0};
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, vm_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_pushlightuserdata(L, (void *)&vm_key);
    lua_insert(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
    return vm;
}

void json_number_push(lua_State *L, int marks, struct span literal)
{
    void *place = lua_newuserdata(L, literal.size);
    memcpy(place, literal.data, literal.size);
    lua_pushvalue(L, marks + JSON_MARK_NUMBER);
    lua_setmetatable(L, -2);
}

struct span json_number_text(lua_State *L, int marks, int index)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return (struct span){0};
    bool same = lua_rawequal(L, -1, marks + JSON_MARK_NUMBER);
    lua_pop(L, 1);
    return same ? literal_at(L, index) : (struct span){0};
}

static void trim(struct bytes *b)
{
    if (b->room > KEEP)
        bytes_release(b);
    else
        bytes_clear(b);
}

void json_vm_trim(struct json_vm *vm)
{
    trim(&vm->text);
    trim(&vm->keys);
}

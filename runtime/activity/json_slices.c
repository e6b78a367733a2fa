/*
 * The Lua module "native.json": a large JSON text read a slice at a time, so that the loop's other
 * fibers run in between. What comes out is what json.decode gives (script/json.c).
 *
 *   start(text) -> reader      reader:step(count) -> false, or true and the value
 *
 * A container is hung into its parent when it begins; the open ones lie in the reader's environment
 * table, the whole value at [0].
 */
#include <lauxlib.h>

#include "activity/modules.h"
#include "script/json_scan.h"
#include "script/json_vm.h"
#include "script/number.h"

#define READER "signalroom.json.reader"

struct slices {
    struct json_scan scan;
    int depth;
    int counts[JSON_DEPTH_MAX + 1]; /* items of the open arrays */
    bool over;
};

/* The stack of step(). */
enum { AT_READER = 1, AT_COUNT, AT_OPEN, AT_MARKS, AT_CURRENT = AT_MARKS + JSON_MARKS };

static void push_text(lua_State *L, struct json_vm *vm, const struct json_token *token)
{
    struct span text = token->text;
    if (token->escaped) {
        bytes_clear(&vm->text);
        json_unescape(text, &vm->text);
        text = bytes_span(&vm->text);
    }
    lua_pushlstring(L, text.data, text.size);
}

static void push_number(lua_State *L, struct span literal)
{
    double value;
    if (number_read(literal, &value))
        lua_pushnumber(L, value);
    else
        json_number_push(L, AT_MARKS, literal);
}

static void push_value(lua_State *L, struct json_vm *vm, const struct json_token *token)
{
    switch (token->kind) {
    case JSON_OBJECT:
        lua_newtable(L);
        break;
    case JSON_ARRAY:
        lua_newtable(L);
        lua_pushvalue(L, AT_MARKS + JSON_MARK_ARRAY);
        lua_setmetatable(L, -2);
        break;
    case JSON_TEXT:
        push_text(L, vm, token);
        break;
    case JSON_NUMBER:
        push_number(L, token->text);
        break;
    case JSON_NULL:
        lua_pushlightuserdata(L, NULL);
        break;
    default:
        lua_pushboolean(L, token->kind == JSON_TRUE);
    }
}

static void enter(lua_State *L, struct slices *slices)
{
    slices->counts[++slices->depth] = 0;
    lua_pushvalue(L, -1);
    lua_rawseti(L, AT_OPEN, slices->depth);
    lua_replace(L, AT_CURRENT);
}

static void leave(lua_State *L, struct slices *slices)
{
    slices->depth--;
    lua_rawgeti(L, AT_OPEN, slices->depth);
    lua_replace(L, AT_CURRENT);
}

/* The value, with a key below it in an object, goes to where it belongs. */
static void put(lua_State *L, struct slices *slices, const struct json_token *token, bool has_key)
{
    bool opens = token->kind == JSON_OBJECT || token->kind == JSON_ARRAY;
    if (opens) {
        lua_pushvalue(L, -1);
        lua_insert(L, has_key ? -3 : -2);
    }
    if (has_key)
        lua_rawset(L, AT_CURRENT);
    else if (slices->depth)
        lua_rawseti(L, AT_CURRENT, ++slices->counts[slices->depth]);
    else
        lua_rawseti(L, AT_OPEN, 0);
    if (opens)
        enter(L, slices);
}

static bool take_key(lua_State *L, struct slices *slices, struct json_vm *vm,
                     struct json_token *token, struct error *err)
{
    push_text(L, vm, token);
    lua_pushvalue(L, -1);
    lua_rawget(L, AT_CURRENT);
    bool is_new = lua_isnil(L, -1);
    lua_pop(L, 1);
    if (is_new)
        return json_scan_next(&slices->scan, token, err);
    return json_scan_error(&slices->scan, token->text.data - 1, err,
                           "the key \"%.*s\" occurs a second time in one object",
                           (int)(token->text.size < 80 ? token->text.size : 80), token->text.data);
}

static bool take(lua_State *L, struct slices *slices, struct json_vm *vm, struct error *err)
{
    struct json_token token;
    if (!json_scan_next(&slices->scan, &token, err))
        return false;
    bool has_key = token.kind == JSON_KEY;
    if (has_key && !take_key(L, slices, vm, &token, err))
        return false;
    if (token.kind == JSON_END) {
        slices->over = true;
    } else if (token.kind == JSON_OBJECT_END || token.kind == JSON_ARRAY_END) {
        leave(L, slices);
    } else {
        push_value(L, vm, &token);
        put(L, slices, &token, has_key);
    }
    return true;
}

static int step(lua_State *L)
{
    struct slices *slices = luaL_checkudata(L, AT_READER, READER);
    lua_Integer count = luaL_checkinteger(L, AT_COUNT);
    struct error err;
    bool good = true;
    lua_settop(L, AT_COUNT);
    luaL_checkstack(L, AT_CURRENT + 8, NULL);
    lua_getfenv(L, AT_READER);
    struct json_vm *vm = json_vm_push(L);
    lua_rawgeti(L, AT_OPEN, slices->depth);
    while (good && !slices->over && count-- > 0)
        good = take(L, slices, vm, &err);
    json_vm_trim(vm);
    if (!good)
        return luaL_error(L, "json.decode: %s", err.text);
    lua_pushboolean(L, slices->over);
    if (!slices->over)
        return 1;
    lua_rawgeti(L, AT_OPEN, 0);
    return 2;
}

static int start(lua_State *L)
{
    struct span text;
    text.data = luaL_checklstring(L, 1, &text.size);
    struct slices *slices = lua_newuserdata(L, sizeof *slices);
    *slices = (struct slices){0};
    json_scan_start(&slices->scan, text);
    luaL_getmetatable(L, READER);
    lua_setmetatable(L, -2);
    lua_newtable(L);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "text");
    lua_setfenv(L, -2);
    return 1;
}

static const luaL_Reg methods[] = {
    {"step", step},
    {NULL,   NULL},
};

static const luaL_Reg functions[] = {
    {"start", start},
    {NULL,    NULL },
};

int json_slices_open(lua_State *L)
{
    luaL_newmetatable(L, READER);
    luaL_register(L, NULL, methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

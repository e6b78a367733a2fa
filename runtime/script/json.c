/* Reading, and the module's functions. json_write.c writes. */
#include "script/json.h"

#include <lauxlib.h>
#include <math.h>

#include "script/json_scan.h"
#include "script/json_vm.h"
#include "script/number.h"

/* Rows of one array are mostly alike: an object gets room for as many keys as the one before it on
 * its level had. Capped, so that a hostile text cannot turn a few bytes into much memory. */
enum { ROOM_HINT_MAX = 32 };

struct reader {
    lua_State *L;
    struct json_vm *vm;
    struct json_scan scan;
    int marks; /* stack index of the first metatable */
    unsigned char room_hint[JSON_DEPTH_MAX + 1];
    struct error *err;
};

static void push_text(struct reader *r, const struct json_token *token)
{
    if (!token->escaped) {
        lua_pushlstring(r->L, token->text.data, token->text.size);
        return;
    }
    bytes_clear(&r->vm->text);
    json_unescape(token->text, &r->vm->text);
    lua_pushlstring(r->L, bytes_text(&r->vm->text), r->vm->text.size);
}

static void push_number(struct reader *r, struct span literal)
{
    double value;
    if (number_read(literal, &value))
        lua_pushnumber(r->L, value);
    else
        json_number_push(r->L, r->marks, literal);
}

static bool push_value(struct reader *r, const struct json_token *token);

static bool push_array(struct reader *r)
{
    lua_State *L = r->L;
    lua_newtable(L);
    lua_pushvalue(L, r->marks + JSON_MARK_ARRAY);
    lua_setmetatable(L, -2);
    struct json_token token;
    for (int i = 1;; i++) {
        if (!json_scan_next(&r->scan, &token, r->err))
            return false;
        if (token.kind == JSON_ARRAY_END)
            return true;
        if (!push_value(r, &token))
            return false;
        lua_rawseti(L, -2, i);
    }
}

/* The key is on top of the object: a second time is an error. */
static bool is_new_key(struct reader *r, const struct json_token *key)
{
    lua_pushvalue(r->L, -1);
    lua_rawget(r->L, -3);
    bool is_new = lua_isnil(r->L, -1);
    lua_pop(r->L, 1);
    if (is_new)
        return true;
    return json_scan_error(&r->scan, key->text.data - 1, r->err,
                           "the key \"%.*s\" occurs a second time in one object",
                           (int)(key->text.size < 80 ? key->text.size : 80), key->text.data);
}

static bool push_object(struct reader *r)
{
    lua_State *L = r->L;
    unsigned char *hint = &r->room_hint[r->scan.depth];
    struct json_token token;
    if (!json_scan_next(&r->scan, &token, r->err))
        return false;
    lua_createtable(L, 0, token.kind == JSON_OBJECT_END ? 0 : *hint);
    unsigned char count = 0;
    while (token.kind != JSON_OBJECT_END) {
        push_text(r, &token);
        if (!is_new_key(r, &token) || !json_scan_next(&r->scan, &token, r->err) ||
            !push_value(r, &token))
            return false;
        lua_rawset(L, -3);
        count += count < ROOM_HINT_MAX;
        if (!json_scan_next(&r->scan, &token, r->err))
            return false;
    }
    *hint = count;
    return true;
}

static bool push_value(struct reader *r, const struct json_token *token)
{
    luaL_checkstack(r->L, 6, "JSON");
    switch (token->kind) {
    case JSON_OBJECT:
        return push_object(r);
    case JSON_ARRAY:
        return push_array(r);
    case JSON_TEXT:
        push_text(r, token);
        return true;
    case JSON_NUMBER:
        push_number(r, token->text);
        return true;
    case JSON_NULL:
        lua_pushlightuserdata(r->L, NULL);
        return true;
    default:
        lua_pushboolean(r->L, token->kind == JSON_TRUE);
        return true;
    }
}

bool json_push(lua_State *L, struct span text, struct error *err)
{
    int top = lua_gettop(L);
    struct reader r = {.L = L, .marks = top + 1, .err = err};
    r.vm = json_vm_push(L);
    json_scan_start(&r.scan, text);
    struct json_token token;
    bool ok = json_scan_next(&r.scan, &token, err) && push_value(&r, &token) &&
              json_scan_next(&r.scan, &token, err);
    json_vm_trim(r.vm);
    if (!ok) {
        lua_settop(L, top);
        return false;
    }
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    return true;
}

static int raise(lua_State *L, const struct error *err)
{
    luaL_where(L, 1);
    lua_pushstring(L, err->text);
    lua_concat(L, 2);
    return lua_error(L);
}

static int decode(lua_State *L)
{
    struct span text;
    text.data = luaL_checklstring(L, 1, &text.size);
    struct error err;
    if (json_push(L, text, &err))
        return 1;
    error_add(&err, "json.decode");
    return raise(L, &err);
}

static int encode(lua_State *L)
{
    luaL_checkany(L, 1);
    struct json_vm *vm = json_vm_push(L);
    bytes_clear(&vm->text);
    struct error err;
    bool ok = json_write(L, 1, &vm->text, &err);
    if (ok)
        lua_pushlstring(L, bytes_text(&vm->text), vm->text.size);
    json_vm_trim(vm);
    if (ok)
        return 1;
    error_add(&err, "json.encode");
    return raise(L, &err);
}

static int mark_table(lua_State *L, enum json_mark mark)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    json_vm_push(L);
    if (lua_getmetatable(L, 1)) {
        bool ours =
            lua_rawequal(L, -1, 2 + JSON_MARK_ARRAY) || lua_rawequal(L, -1, 2 + JSON_MARK_OBJECT);
        luaL_argcheck(L, ours, 1, "the table has a metatable already");
        lua_pop(L, 1);
    }
    lua_pushvalue(L, 2 + mark);
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    return 1;
}

static int array(lua_State *L)
{
    return mark_table(L, JSON_MARK_ARRAY);
}

static int object(lua_State *L)
{
    return mark_table(L, JSON_MARK_OBJECT);
}

static int number(lua_State *L)
{
    char text[NUMBER_TEXT_MAX];
    struct span literal;
    if (lua_type(L, 1) == LUA_TNUMBER) {
        luaL_argcheck(L, isfinite(lua_tonumber(L, 1)), 1, "not a finite number");
        literal = (struct span){text, number_write(lua_tonumber(L, 1), text)};
    } else {
        luaL_argcheck(L, lua_type(L, 1) == LUA_TSTRING, 1, "a number or its text expected");
        literal.data = lua_tolstring(L, 1, &literal.size);
        luaL_argcheck(L, json_is_number(literal), 1, "not a number as JSON writes it");
    }
    lua_settop(L, 1);
    json_vm_push(L);
    json_number_push(L, 2, literal);
    return 1;
}

static const luaL_Reg functions[] = {
    {"decode", decode},
    {"encode", encode},
    {"array",  array },
    {"object", object},
    {"number", number},
    {NULL,     NULL  },
};

int json_open(lua_State *L)
{
    lua_createtable(L, 0, 6);
    luaL_register(L, NULL, functions);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    return 1;
}

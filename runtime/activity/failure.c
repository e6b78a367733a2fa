#include "activity/failure.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/redact.h"

enum { LONGEST_SHOWN = 60 };

static char metatable_key;

bool failure_open(struct vm *vm, struct error *err)
{
    lua_State *L = vm_lua(vm);
    if (!vm_require(vm, "errors", err))
        return false;
    lua_pushlightuserdata(L, &metatable_key);
    lua_getfield(L, -2, "ValueError");
    lua_pushliteral(L, "");
    lua_call(L, 1, 1);
    if (!lua_getmetatable(L, -1))
        return error_set(err, ERROR_BUG, "an error object without a metatable");
    lua_remove(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
    lua_pop(L, 1);
    return true;
}

static void push_text(lua_State *L, struct bytes *text)
{
    lua_pushlstring(L, bytes_text(text), text->size);
    bytes_release(text);
}

static void push(lua_State *L, const char *type, const char *format, va_list arguments)
{
    char shown[1024];
    struct bytes text = {0};
    vsnprintf(shown, sizeof shown, format, arguments);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, type);
    lua_setfield(L, -2, "type");
    bytes_add_text(&text, shown);
    redact(&text);
    push_text(L, &text);
    lua_setfield(L, -2, "message");
    script_stack(L, &text);
    push_text(L, &text);
    lua_setfield(L, -2, "stack");
    lua_pushlightuserdata(L, &metatable_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    lua_setmetatable(L, -2);
}

void failure_push(lua_State *L, const char *type, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    push(L, type, format, arguments);
    va_end(arguments);
}

void failure_raise(lua_State *L, const char *type, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    push(L, type, format, arguments);
    va_end(arguments);
    lua_error(L);
    abort();
}

const char *failure_show(lua_State *L, int index)
{
    size_t size;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TNONE:
        return "nil";
    case LUA_TBOOLEAN:
        return lua_toboolean(L, index) ? "true" : "false";
    case LUA_TNUMBER:
        return lua_pushfstring(L, "%f", lua_tonumber(L, index));
    case LUA_TSTRING:
        lua_tolstring(L, index, &size);
        if (size <= LONGEST_SHOWN)
            return lua_pushfstring(L, "'%s'", lua_tostring(L, index));
        return "a longer text";
    default:
        return lua_pushfstring(L, "a %s", luaL_typename(L, index));
    }
}

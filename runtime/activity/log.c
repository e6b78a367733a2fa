/* The Lua module "native.log": write(level, event, names, values) puts one line into the log. */
#include "base/log.h"

#include <lauxlib.h>

#include "activity/failure.h"
#include "activity/modules.h"
#include "activity/scratch.h"
#include "script/json.h"

enum { FIELDS_MAX = 32 };

/* The value on top as a field: text as it is, all else as JSON, which is pushed. */
static void read_value(lua_State *L, struct log_field *field)
{
    struct error err;
    field->raw = lua_type(L, -1) != LUA_TSTRING;
    if (field->raw) {
        int value = lua_gettop(L);
        struct bytes *json = scratch_push(L);
        if (!json_write(L, value, json, &err))
            failure_raise(L, "ValueError", "log: the field %s: %s", field->key.data, err.text);
        field->value = bytes_span(json);
    } else {
        field->value.data = lua_tolstring(L, -1, &field->value.size);
    }
}

static int write_line(lua_State *L)
{
    static const char *const levels[] = {"debug", "info", "warning", "error", NULL};
    enum log_level level = (enum log_level)luaL_checkoption(L, 1, NULL, levels);
    struct span event;
    struct log_field fields[FIELDS_MAX];
    event.data = luaL_checklstring(L, 2, &event.size);
    size_t count = lua_objlen(L, 3);
    if (!log_enabled(level))
        return 0;
    if (count > FIELDS_MAX)
        failure_raise(L, "ValueError", "log: at most %d fields", FIELDS_MAX);
    luaL_checkstack(L, FIELDS_MAX * 3, NULL);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 3, (int)i + 1);
        fields[i].key.data = lua_tolstring(L, -1, &fields[i].key.size);
        lua_rawgeti(L, 4, (int)i + 1);
        read_value(L, &fields[i]);
    }
    log_fields(level, event, fields, count);
    return 0;
}

static const luaL_Reg functions[] = {
    {"write", write_line},
    {NULL,    NULL      },
};

int log_open(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

/* The Lua module "native.words": what scripts say to the log, and what nobody must read there. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "activity/modules.h"
#include "base/log.h"
#include "base/redact.h"

enum { FIELDS_MAX = 32, SETTING_MAX = 64 << 10 };

static struct span span_at(lua_State *L, int index)
{
    struct span text;
    text.data = luaL_checklstring(L, index, &text.size);
    return text;
}

/* level 0 to 3, event, then key, value, raw (its value is JSON already) for each field. */
static int write_log(lua_State *L)
{
    struct log_field fields[FIELDS_MAX];
    size_t count = 0;
    for (int i = 3; i + 2 <= lua_gettop(L) && count < FIELDS_MAX; i += 3)
        fields[count++] =
            (struct log_field){span_at(L, i), span_at(L, i + 1), lua_toboolean(L, i + 2)};
    log_fields((enum log_level)luaL_checkint(L, 1), span_at(L, 2), fields, count);
    return 0;
}

static int hears(lua_State *L)
{
    lua_pushboolean(L, log_enabled((enum log_level)luaL_checkint(L, 1)));
    return 1;
}

/* False when the value is too short to be hidden. */
static int hide(lua_State *L)
{
    lua_pushboolean(L, redact_register(span_at(L, 1)));
    return 1;
}

/* The text of a small file, blocking: settings are read where no fiber runs. nil and why not. */
static int read_setting(lua_State *L)
{
    char text[SETTING_MAX];
    FILE *file = fopen(luaL_checkstring(L, 1), "rbe");
    size_t size = file ? fread(text, 1, sizeof text, file) : 0;
    if (!file) {
        lua_pushnil(L);
        lua_pushstring(L, strerror(errno));
        return 2;
    }
    fclose(file);
    lua_pushlstring(L, text, size);
    return 1;
}

int words_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"log",   write_log   },
        {"hears", hears       },
        {"hide",  hide        },
        {"read",  read_setting},
        {NULL,    NULL        }
    };
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

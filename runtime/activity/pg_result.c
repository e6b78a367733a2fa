#include "activity/pg_result.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "base/memory.h"
#include "script/json.h"
#include "script/number.h"

#define RESULT "signalroom.pg.result"

/* The types that are not text for a script; numbers of PostgreSQL's catalogue. */
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_OID = 26,
    TYPE_JSON = 114,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_JSONB = 3802,
};

void result_release(struct result *result)
{
    for (int i = 0; i < result->column_count; i++)
        free(result->columns[i].name);
    free(result->columns);
    bytes_release(&result->packed);
    *result = (struct result){0};
}

static void learn_columns(struct result *result, const PGresult *part)
{
    result->column_count = PQnfields(part);
    result->columns = memory_new(((size_t)result->column_count + 1) * sizeof *result->columns);
    for (int i = 0; i < result->column_count; i++)
        result->columns[i] = (struct column){memory_copy_text(PQfname(part, i)), PQftype(part, i)};
}

bool result_add(struct result *result, const PGresult *part)
{
    int rows = PQntuples(part);
    if (!result->columns && PQnfields(part))
        learn_columns(result, part);
    for (int row = 0; row < rows; row++) {
        for (int i = 0; i < result->column_count; i++) {
            int32_t size = PQgetisnull(part, row, i) ? -1 : PQgetlength(part, row, i);
            bytes_add(&result->packed, &size, sizeof size);
            if (size > 0)
                bytes_add(&result->packed, PQgetvalue(part, row, i), (size_t)size);
        }
    }
    return result->packed.size <= RESULT_LIMIT;
}

void result_end(struct result *result, PGresult *part)
{
    const char *count = PQcmdTuples(part);
    result->affected = *count ? strtod(count, NULL) : -1;
    snprintf(result->tag, sizeof result->tag, "%s", PQcmdStatus(part));
}

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void push_bytea(lua_State *L, struct span text)
{
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t i = 2; i + 1 < text.size; i += 2)
        luaL_addchar(&buffer, (char)(hex_digit(text.data[i]) * 16 + hex_digit(text.data[i + 1])));
    luaL_pushresult(&buffer);
}

static void push_json(lua_State *L, struct span text)
{
    struct error err;
    if (!json_push(L, text, &err))
        failure_raise(L, "DbError", "a json value cannot be read: %s", err.text);
}

/* From 2^53 on a whole number stays text: it would be rounded. */
static void push_integer(lua_State *L, struct span text)
{
    double number = strtod(text.data, NULL);
    if (fabs(number) < (double)NUMBER_EXACT)
        lua_pushnumber(L, number);
    else
        lua_pushlstring(L, text.data, text.size);
}

static void push_value(lua_State *L, Oid type, struct span text)
{
    switch (type) {
    case TYPE_BOOL:
        lua_pushboolean(L, *text.data == 't');
        break;
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
    case TYPE_OID:
        push_integer(L, text);
        break;
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
        lua_pushnumber(L, strtod(text.data, NULL));
        break;
    case TYPE_JSON:
    case TYPE_JSONB:
        push_json(L, text);
        break;
    case TYPE_BYTEA:
        push_bytea(L, text);
        break;
    default:
        lua_pushlstring(L, text.data, text.size);
    }
}

/* A number's text needs a NUL behind it, which packed values do not have. */
static void push_packed(lua_State *L, Oid type, const char *data, size_t size)
{
    char number[32];
    struct span text = {data, size};
    if (size < sizeof number) {
        memcpy(number, data, size);
        number[size] = '\0';
        text.data = number;
    }
    push_value(L, type, text);
}

static void push_row(lua_State *L, struct result *result)
{
    lua_createtable(L, 0, result->column_count);
    for (int i = 0; i < result->column_count; i++) {
        int32_t size;
        memcpy(&size, result->packed.data + result->taken, sizeof size);
        result->taken += sizeof size;
        if (size < 0)
            continue;
        push_packed(L, result->columns[i].type, result->packed.data + result->taken, (size_t)size);
        lua_setfield(L, -2, result->columns[i].name);
        result->taken += (size_t)size;
    }
}

static struct result *check(lua_State *L)
{
    return luaL_checkudata(L, 1, RESULT);
}

/* take(list, count): up to count further rows to the end of the list; how many. */
static int take(lua_State *L)
{
    struct result *result = check(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_Integer count = luaL_checkinteger(L, 3);
    int at = (int)lua_objlen(L, 2);
    lua_Integer taken = 0;
    luaL_checkstack(L, 8, NULL);
    for (; taken < count && result->taken < result->packed.size; taken++) {
        push_row(L, result);
        lua_rawseti(L, 2, ++at);
    }
    if (result->taken == result->packed.size)
        bytes_release(&result->packed);
    lua_pushinteger(L, taken);
    return 1;
}

static int columns(lua_State *L)
{
    struct result *result = check(L);
    lua_createtable(L, result->column_count, 0);
    for (int i = 0; i < result->column_count; i++) {
        lua_pushstring(L, result->columns[i].name);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int affected(lua_State *L)
{
    struct result *result = check(L);
    if (result->affected < 0)
        return 0;
    lua_pushnumber(L, result->affected);
    return 1;
}

static int tag(lua_State *L)
{
    lua_pushstring(L, check(L)->tag);
    return 1;
}

static int release(lua_State *L)
{
    result_release(check(L));
    return 0;
}

void result_push(lua_State *L, struct result *result)
{
    struct result *held = lua_newuserdata(L, sizeof *held);
    *held = *result;
    *result = (struct result){0};
    luaL_getmetatable(L, RESULT);
    lua_setmetatable(L, -2);
}

static const luaL_Reg functions[] = {
    {"take",     take    },
    {"columns",  columns },
    {"affected", affected},
    {"tag",      tag     },
    {"__gc",     release },
    {NULL,       NULL    },
};

void result_open(lua_State *L)
{
    luaL_newmetatable(L, RESULT);
    luaL_register(L, NULL, functions);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

/*
 * The Lua module "native.pg": connections to PostgreSQL. What statements, transactions and pools
 * are for scripts stands in runtime/lua/activity/pg.lua.
 */
#include "activity/pg.h"

#include <lauxlib.h>

#include "activity/failure.h"
#include "activity/modules.h"
#include "activity/pg_result.h"

static struct session *handle(lua_State *L)
{
    return *(struct session **)luaL_checkudata(L, 1, PG_CONNECTION);
}

struct session *pg_check(lua_State *L)
{
    struct session *session = handle(L);
    fiber_current(L);
    if (!session->conn)
        failure_raise(L, "ValueError", "this connection has been closed");
    if (session->current)
        failure_raise(L, "ValueError", "this connection is busy: one statement at a time");
    if (session->copying)
        failure_raise(L, "ValueError", "a COPY is under way on this connection");
    return session;
}

static int shut(lua_State *L)
{
    session_close(handle(L));
    return 0;
}

static int collect(lua_State *L)
{
    session_drop(handle(L));
    return 0;
}

/* status() -> "idle", "active", "in transaction", "failed" or "broken" */
static int status(lua_State *L)
{
    static const char *const names[] = {
        [PQTRANS_IDLE] = "idle",
        [PQTRANS_ACTIVE] = "active",
        [PQTRANS_INTRANS] = "in transaction",
        [PQTRANS_INERROR] = "failed",
        [PQTRANS_UNKNOWN] = "broken",
    };
    struct session *session = handle(L);
    bool usable = session->conn && !session->broken;
    lua_pushstring(L, names[usable ? PQtransactionStatus(session->conn) : PQTRANS_UNKNOWN]);
    return 1;
}

/* notices() -> list of texts since the last call */
static int notices(lua_State *L)
{
    struct session *session = handle(L);
    const char *line = bytes_text(&session->notices);
    lua_newtable(L);
    for (int i = 1; *line; i++) {
        const char *end = strchr(line, '\n');
        lua_pushlstring(L, line, (size_t)(end - line));
        lua_rawseti(L, -2, i);
        line = end + 1;
    }
    bytes_clear(&session->notices);
    session->notice_count = 0;
    return 1;
}

/* copying() -> "in", "out" or nil */
static int copying(lua_State *L)
{
    static const char *const names[] = {[COPY_IN] = "in", [COPY_OUT] = "out"};
    lua_pushstring(L, names[handle(L)->copying]);
    return 1;
}

static int rest(lua_State *L)
{
    session_rest(handle(L), (uint64_t)luaL_checkinteger(L, 2));
    return 0;
}

static int take_up(lua_State *L)
{
    lua_pushboolean(L, session_take_up(handle(L)));
    return 1;
}

static const luaL_Reg methods[] = {
    {"query",   pg_query },
    {"exec",    pg_exec  },
    {"put",     pg_put   },
    {"finish",  pg_finish},
    {"take",    pg_take  },
    {"close",   shut     },
    {"status",  status   },
    {"notices", notices  },
    {"copying", copying  },
    {"rest",    rest     },
    {"take_up", take_up  },
    {"__gc",    collect  },
    {NULL,      NULL     },
};

static const luaL_Reg functions[] = {
    {"connect", pg_connect},
    {"bind",    pg_bind   },
    {NULL,      NULL      },
};

int pg_open(lua_State *L)
{
    luaL_newmetatable(L, PG_CONNECTION);
    luaL_register(L, NULL, methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    result_open(L);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

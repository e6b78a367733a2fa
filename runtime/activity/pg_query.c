/* Statements: sent, turned until the server is done, handed to Lua. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "activity/pg.h"
#include "activity/pg_result.h"
#include "activity/scratch.h"
#include "base/memory.h"
#include "script/number.h"

enum { PARAMETERS_MAX = 65535 };

struct statement {
    struct operation operation; /* first */
    bool keeps_rows;
    bool too_big;
    struct result result;
    PGresult *failure; /* what the server refused */
    struct bytes sql;  /* for the line and the caret of an error */
};

static void keep_rows(struct statement *statement, const PGresult *part)
{
    if (!statement->keeps_rows || statement->too_big)
        return;
    statement->too_big = !result_add(&statement->result, part);
    if (statement->too_big)
        session_cancel(statement->operation.session);
}

/* True once nothing more comes: where a COPY begins. */
static bool take(struct statement *statement, PGresult *part)
{
    switch (PQresultStatus(part)) {
    case PGRES_SINGLE_TUPLE:
        keep_rows(statement, part);
        break;
    case PGRES_TUPLES_OK:
        keep_rows(statement, part);
        result_end(&statement->result, part);
        break;
    case PGRES_COMMAND_OK:
        result_end(&statement->result, part);
        break;
    case PGRES_EMPTY_QUERY:
        break;
    case PGRES_COPY_IN:
        statement->operation.session->copying = COPY_IN;
        break;
    case PGRES_COPY_OUT:
        statement->operation.session->copying = COPY_OUT;
        break;
    default:
        PQclear(statement->failure);
        statement->failure = part;
        return false;
    }
    PQclear(part);
    return statement->operation.session->copying != COPY_NONE;
}

static bool turn(struct operation *operation)
{
    struct statement *statement = (struct statement *)operation;
    PGconn *conn = operation->session->conn;
    while (!PQisBusy(conn)) {
        PGresult *part = PQgetResult(conn);
        if (!part || take(statement, part))
            return true;
    }
    return false;
}

static int deliver(struct fiber_wait *wait, lua_State *L)
{
    struct statement *statement = (struct statement *)wait;
    struct session *session = statement->operation.session;
    if (statement->too_big) {
        lua_pushboolean(L, false);
        failure_push(L, "DbError", "the result is larger than %d MB: select less, or use copy_out",
                     RESULT_LIMIT >> 20);
        return 2;
    }
    if (statement->failure)
        return pg_push_failure(L, statement->failure, bytes_span(&statement->sql));
    if (session->broken)
        return pg_push_broken(L, session);
    lua_pushboolean(L, true);
    result_push(L, &statement->result);
    return 2;
}

static void release(struct fiber_wait *wait)
{
    struct statement *statement = (struct statement *)wait;
    result_release(&statement->result);
    PQclear(statement->failure);
    bytes_release(&statement->sql);
    session_drop(statement->operation.session);
    free(statement);
}

/* What was sent, or could not be. */
static int suspend(lua_State *L, struct session *session, bool keeps_rows, bool sent)
{
    if (!sent) {
        session->broken = session->broken || PQstatus(session->conn) == CONNECTION_BAD;
        return pg_push_broken(L, session);
    }
    struct statement *statement = memory_new(sizeof *statement);
    PQsetSingleRowMode(session->conn);
    statement->keeps_rows = keeps_rows;
    statement->result.affected = -1;
    bytes_add_text(&statement->sql, lua_tostring(L, 2));
    statement->operation.wait.deliver = deliver;
    statement->operation.wait.release = release;
    statement->operation.turn = turn;
    return session_suspend(L, session, &statement->operation);
}

static const char *sql_check(lua_State *L)
{
    size_t size;
    const char *sql = luaL_checklstring(L, 2, &size);
    if (strlen(sql) != size)
        failure_raise(L, "ValueError", "the statement has a NUL in it");
    return sql;
}

int pg_exec(lua_State *L)
{
    struct session *session = pg_check(L);
    const char *sql = sql_check(L);
    return suspend(L, session, false, PQsendQuery(session->conn, sql));
}

/* The text of the parameter at index. A number's is made and pushed. */
static const char *parameter(lua_State *L, int index, int position)
{
    char number[NUMBER_TEXT_MAX];
    size_t size;
    const char *text;
    double value = lua_tonumber(L, index);
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return NULL;
    case LUA_TBOOLEAN:
        return lua_toboolean(L, index) ? "true" : "false";
    case LUA_TNUMBER:
        if (!isfinite(value))
            return isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        lua_pushlstring(L, number, number_write(value, number));
        return lua_tostring(L, -1);
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &size);
        if (strlen(text) != size)
            failure_raise(L, "ValueError", "parameter %d: text with a NUL in it is not text in SQL",
                          position);
        return text;
    default:
        failure_raise(L, "ValueError", "parameter %d is a %s, which SQL has not", position,
                      luaL_typename(L, index));
    }
}

int pg_query(lua_State *L)
{
    enum { FIRST = 4 };
    struct session *session = pg_check(L);
    const char *sql = sql_check(L);
    int count = (int)luaL_checkinteger(L, 3);
    if (count > PARAMETERS_MAX)
        failure_raise(L, "ValueError", "a statement takes at most %d parameters", PARAMETERS_MAX);
    lua_settop(L, FIRST - 1 + count);
    luaL_checkstack(L, count + 4, "too many parameters");
    struct bytes *list = scratch_push(L);
    for (int i = 0; i < count; i++) {
        const char *text = parameter(L, FIRST + i, i + 1);
        bytes_add(list, &text, sizeof text);
    }
    const char *const *texts = (const char *const *)(const void *)list->data;
    return suspend(L, session, true,
                   PQsendQueryParams(session->conn, sql, count, NULL, texts, NULL, NULL, 0));
}

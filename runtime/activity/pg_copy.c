/*
 * COPY. libpq never refuses what it is given, it keeps it; so after every slice the socket must
 * have taken all before the next slice is handed over. A slow server thus slows the script, and
 * memory stays at one slice.
 */
#include <lauxlib.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "activity/modules.h"
#include "activity/pg.h"
#include "activity/pg_result.h"
#include "base/memory.h"
#include "script/vm.h"

enum { SLICE = 256 << 10, SLICES_A_TURN = 16, CHUNK = 256 << 10 };

struct copying {
    struct operation operation; /* first */
    struct span rest;           /* of what is put; lives in Lua, which is suspended */
    PGresult *failure;
    struct result result;
    struct bytes chunk; /* of what is taken */
    bool ended;
};

static void release(struct fiber_wait *wait)
{
    struct copying *copying = (struct copying *)wait;
    result_release(&copying->result);
    bytes_release(&copying->chunk);
    PQclear(copying->failure);
    session_drop(copying->operation.session);
    free(copying);
}

static struct copying *copying_new(bool (*turn)(struct operation *operation),
                                   int (*deliver)(struct fiber_wait *wait, lua_State *L))
{
    struct copying *copying = memory_new(sizeof *copying);
    copying->result.affected = -1;
    copying->operation.turn = turn;
    copying->operation.wait.deliver = deliver;
    copying->operation.wait.release = release;
    return copying;
}

static struct session *check(lua_State *L, int direction)
{
    struct session *session = *(struct session **)luaL_checkudata(L, 1, PG_CONNECTION);
    fiber_current(L);
    if (!session->conn || (int)session->copying != direction || session->current)
        failure_raise(L, "ValueError", "no such COPY is under way on this connection");
    return session;
}

static int deliver_done(struct fiber_wait *wait, lua_State *L)
{
    struct copying *copying = (struct copying *)wait;
    struct session *session = copying->operation.session;
    if (copying->failure)
        return pg_push_failure(L, copying->failure, SPAN(""));
    if (session->broken)
        return pg_push_broken(L, session);
    lua_pushboolean(L, true);
    result_push(L, &copying->result);
    return 2;
}

/* --- put --- */

/* Hands slices over while the socket takes them at once, but not so many that others wait. */
static bool turn_put(struct operation *operation)
{
    struct copying *copying = (struct copying *)operation;
    struct session *session = operation->session;
    int unsent = PQflush(session->conn);
    if (operation->cancelled)
        copying->rest.size = 0;
    for (int slices = 0; unsent == 0 && copying->rest.size && slices < SLICES_A_TURN; slices++) {
        size_t size = copying->rest.size < SLICE ? copying->rest.size : SLICE;
        if (PQputCopyData(session->conn, copying->rest.data, (int)size) < 0)
            session->broken = true;
        copying->rest.data += size;
        copying->rest.size -= size;
        unsent = PQflush(session->conn);
    }
    session->broken = session->broken || unsent < 0;
    operation->has_more = copying->rest.size > 0;
    return unsent == 0 && !operation->has_more;
}

int pg_put(lua_State *L)
{
    struct session *session = check(L, COPY_IN);
    struct span text = modules_bytes(L, 2);
    struct copying *copying = copying_new(turn_put, deliver_done);
    copying->rest = text;
    return session_suspend(L, session, &copying->operation);
}

/* --- finish --- */

/* The results behind a COPY, until there are none. */
static bool turn_results(struct copying *copying)
{
    PGconn *conn = copying->operation.session->conn;
    while (!PQisBusy(conn)) {
        PGresult *part = PQgetResult(conn);
        if (!part)
            return true;
        if (PQresultStatus(part) == PGRES_COMMAND_OK) {
            result_end(&copying->result, part);
            PQclear(part);
        } else if (PQresultStatus(part) == PGRES_FATAL_ERROR) {
            PQclear(copying->failure);
            copying->failure = part;
        } else {
            PQclear(part);
        }
    }
    return false;
}

static bool turn_finish(struct operation *operation)
{
    return turn_results((struct copying *)operation);
}

int pg_finish(lua_State *L)
{
    struct session *session = check(L, COPY_IN);
    const char *why_not = luaL_optstring(L, 2, NULL);
    PQputCopyEnd(session->conn, why_not);
    session->copying = COPY_NONE;
    return session_suspend(L, session, &copying_new(turn_finish, deliver_done)->operation);
}

/* --- take --- */

static bool turn_take(struct operation *operation)
{
    struct copying *copying = (struct copying *)operation;
    PGconn *conn = operation->session->conn;
    while (!copying->ended && copying->chunk.size < CHUNK) {
        char *line = NULL;
        int size = PQgetCopyData(conn, &line, 1);
        if (size > 0)
            bytes_add(&copying->chunk, line, (size_t)size);
        PQfreemem(line);
        if (size == 0)
            return copying->chunk.size > 0;
        copying->ended = size < 0;
    }
    if (!copying->ended || copying->chunk.size)
        return true;
    operation->session->copying = COPY_NONE;
    return turn_results(copying);
}

static int deliver_chunk(struct fiber_wait *wait, lua_State *L)
{
    struct copying *copying = (struct copying *)wait;
    if (!copying->chunk.size)
        return deliver_done(wait, L);
    lua_pushboolean(L, true);
    vm_push_bytes(L, bytes_span(&copying->chunk));
    return 2;
}

int pg_take(lua_State *L)
{
    struct session *session = check(L, COPY_OUT);
    return session_suspend(L, session, &copying_new(turn_take, deliver_chunk)->operation);
}

/* The parts of the Lua module "native.pg". Each `int pg_...` is one of its functions. */
#pragma once

#include "activity/pg_session.h"

#define PG_CONNECTION "signalroom.pg.connection"

/* connect(settings, timeout_ms) -> connection. settings: libpq's words and `url`. Waits. */
int pg_connect(lua_State *L);

/* query(connection, sql, count, ...) -> result: one statement with parameters. Waits.
 * exec(connection, sql) -> result: any number of statements, of which the last result counts.
 * bind(sql, names) -> sql, list: `$name` becomes `$1`. */
int pg_query(lua_State *L);
int pg_exec(lua_State *L);
int pg_bind(lua_State *L);

/* put(connection, text or pages buffer), finish(connection, why_not): into COPY ... FROM STDIN.
 * take(connection) -> text or nothing: from COPY ... TO STDOUT. All wait. */
int pg_put(lua_State *L);
int pg_finish(lua_State *L);
int pg_take(lua_State *L);

/* The open connection at index 1; raises when it is closed, broken or busy. */
struct session *pg_check(lua_State *L);

/* Pushes `false, DbError` for what the server said. */
int pg_push_failure(lua_State *L, const PGresult *result, struct span sql);

/* Pushes an error object with what libpq says of a connection, on one line. */
void pg_push_complaint(lua_State *L, const char *type, const char *text);

/* The same for a connection that broke. */
int pg_push_broken(lua_State *L, const struct session *session);

/* What the server complains about, as a DbError that shows where in the statement. */
#include <lauxlib.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "activity/pg.h"

enum { LINE_SHOWN = 120 };

static size_t characters(const char *from, const char *to)
{
    size_t count = 0;
    for (; from < to; from++)
        count += (*from & 0xc0) != 0x80;
    return count;
}

/* The server counts characters from 1. */
static const char *place_of(struct span sql, long position)
{
    const char *at = sql.data;
    const char *end = sql.data + sql.size;
    while (at < end && position > 1) {
        at++;
        while (at < end && (*at & 0xc0) == 0x80)
            at++;
        position--;
    }
    return at;
}

/* "\n  line 3: SELECT * FORM x\n                   ^" */
static void add_caret(struct bytes *out, struct span sql, long position)
{
    const char *at = place_of(sql, position);
    const char *line = at;
    int number = 1;
    while (line > sql.data && line[-1] != '\n')
        line--;
    for (const char *c = sql.data; c < line; c++)
        number += *c == '\n';
    if (characters(line, at) > LINE_SHOWN / 2)
        line = at;
    size_t size = strcspn(line, "\n");
    size_t begun = out->size;
    bytes_printf(out, "\n  line %d: ", number);
    size_t indent = out->size - begun - 1 + characters(line, at);
    bytes_printf(out, "%.*s\n%*s^", (int)(size < LINE_SHOWN ? size : LINE_SHOWN), line, (int)indent,
                 "");
}

static void set_field(lua_State *L, const char *name, const PGresult *result, int code)
{
    const char *text = PQresultErrorField(result, code);
    if (!text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void add_part(struct bytes *out, const char *name, const char *text)
{
    if (text)
        bytes_printf(out, "\n  %s: %s", name, text);
}

int pg_push_failure(lua_State *L, const PGresult *result, struct span sql)
{
    struct bytes text = {0};
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    bytes_add_text(&text, primary ? primary : PQresultErrorMessage(result));
    if (position)
        add_caret(&text, sql, strtol(position, NULL, 10));
    add_part(&text, "detail", PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
    add_part(&text, "hint", PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    add_part(&text, "where", PQresultErrorField(result, PG_DIAG_CONTEXT));
    lua_pushboolean(L, false);
    failure_push(L, "DbError", "%s", bytes_text(&text));
    bytes_release(&text);
    set_field(L, "sqlstate", result, PG_DIAG_SQLSTATE);
    set_field(L, "severity", result, PG_DIAG_SEVERITY_NONLOCALIZED);
    set_field(L, "detail", result, PG_DIAG_MESSAGE_DETAIL);
    set_field(L, "hint", result, PG_DIAG_MESSAGE_HINT);
    set_field(L, "where", result, PG_DIAG_CONTEXT);
    set_field(L, "table_name", result, PG_DIAG_TABLE_NAME);
    set_field(L, "column_name", result, PG_DIAG_COLUMN_NAME);
    set_field(L, "constraint_name", result, PG_DIAG_CONSTRAINT_NAME);
    return 2;
}

void pg_push_complaint(lua_State *L, const char *type, const char *text)
{
    struct bytes line = {0};
    while (*text) {
        size_t size = strcspn(text, "\n");
        bytes_add(&line, text, size);
        text += size;
        text += strspn(text, "\n\t ");
        bytes_add_text(&line, *text ? "; " : "");
    }
    failure_push(L, type, "%s", bytes_text(&line));
    bytes_release(&line);
}

int pg_push_broken(lua_State *L, const struct session *session)
{
    const char *why = session->conn ? PQerrorMessage(session->conn) : "";
    lua_pushboolean(L, false);
    pg_push_complaint(L, "DbError", *why ? why : "the connection to PostgreSQL is broken");
    return 2;
}

/*
 * `$name` in a statement becomes `$1`, `$2`, ... Only where SQL would read it as a parameter: not
 * in texts, quoted names, comments and dollar quotes.
 */
#include <ctype.h>
#include <lauxlib.h>

#include "activity/failure.h"
#include "activity/pg.h"
#include "activity/scratch.h"

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Behind the quote that ends what begins at `at`; doubled quotes and, where they count, backslashes
 * are within. */
static const char *skip_quoted(const char *at, bool backslashes)
{
    char quote = *at++;
    for (; *at; at++) {
        if (*at == '\\' && backslashes && at[1])
            at++;
        else if (*at == quote && at[1] == quote)
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return at;
}

static const char *skip_comment(const char *at)
{
    int depth = 0;
    do {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            depth--;
            at += 2;
        } else {
            at++;
        }
    } while (*at && depth > 0);
    return at;
}

/* `at` is a `$` that may open a dollar quote; NULL when it does not. */
static const char *skip_dollar_quote(const char *at)
{
    const char *tag_end = at + 1;
    while (in_name(*tag_end))
        tag_end++;
    if (*tag_end != '$' || isdigit((unsigned char)at[1]))
        return NULL;
    size_t size = (size_t)(tag_end - at) + 1;
    for (const char *c = tag_end + 1; *c; c++)
        if (strncmp(c, at, size) == 0)
            return c + size;
    return tag_end + strlen(tag_end);
}

/* Behind what is not to be looked into at `at`, or `at` itself. */
static const char *skip(const char *sql, const char *at)
{
    bool escapes =
        at > sql && (at[-1] == 'e' || at[-1] == 'E') && (at - 1 == sql || !in_name(at[-2]));
    const char *behind;
    if (*at == '\'' || *at == '"')
        return skip_quoted(at, *at == '\'' && escapes);
    if (at[0] == '-' && at[1] == '-')
        return at + strcspn(at, "\n");
    if (at[0] == '/' && at[1] == '*')
        return skip_comment(at);
    if (*at == '$' && (at == sql || !in_name(at[-1])) && (behind = skip_dollar_quote(at)))
        return behind;
    return at;
}

/* The position of the name in list (on top), put there when it is new. */
static int position_of(lua_State *L, struct span name)
{
    int count = (int)lua_objlen(L, -1);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);
        struct span known = {0};
        known.data = lua_tolstring(L, -1, &known.size);
        lua_pop(L, 1);
        if (span_equal(known, name))
            return i;
    }
    lua_pushlstring(L, name.data, name.size);
    lua_rawseti(L, -2, count + 1);
    return count + 1;
}

/* bind(sql) -> sql with numbers, list of names */
int pg_bind(lua_State *L)
{
    const char *sql = luaL_checkstring(L, 1);
    struct bytes *out = scratch_push(L);
    lua_newtable(L);
    for (const char *at = sql; *at;) {
        const char *behind = skip(sql, at);
        if (behind == at && *at == '$' && (isalpha((unsigned char)at[1]) || at[1] == '_')) {
            for (behind = at + 1; in_name(*behind);)
                behind++;
            struct span name = {at + 1, (size_t)(behind - at) - 1};
            bytes_printf(out, "$%d", position_of(L, name));
        } else {
            behind += behind == at;
            bytes_add(out, at, (size_t)(behind - at));
        }
        at = behind;
    }
    lua_pushlstring(L, bytes_text(out), out->size);
    lua_insert(L, -2);
    return 2;
}

#include "activity/url.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "activity/failure.h"
#include "activity/scratch.h"
#include "base/redact.h"
#include "script/number.h"

static void add_escaped(struct bytes *out, struct span text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] && strchr(plain, text.data[i]))
            bytes_add_char(out, text.data[i]);
        else
            bytes_printf(out, "%%%02X", (unsigned char)text.data[i]);
    }
}

/* The value on top of the stack as text. */
static bool value_text(lua_State *L, char number[NUMBER_TEXT_MAX], struct span *text)
{
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN:
        *text = lua_toboolean(L, -1) ? SPAN("true") : SPAN("false");
        return true;
    case LUA_TNUMBER:
        *text = (struct span){number, number_write(lua_tonumber(L, -1), number)};
        return isfinite(lua_tonumber(L, -1));
    case LUA_TSTRING:
        text->data = lua_tolstring(L, -1, &text->size);
        return true;
    default:
        return false;
    }
}

static void add_pair(lua_State *L, struct span name, const char *what, struct bytes *out)
{
    char number[NUMBER_TEXT_MAX];
    struct span value;
    if (!value_text(L, number, &value))
        failure_raise(L, "ValueError",
                      "%s: '%s' must be text, a number, a boolean or a list of them", what,
                      name.data);
    if (out->size && out->data[out->size - 1] != '?')
        bytes_add_char(out, '&');
    add_escaped(out, name);
    bytes_add_char(out, '=');
    add_escaped(out, value);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Pushes a buffer of the table's keys, sorted. */
static const char **sorted_names(lua_State *L, int index, const char *what, size_t *count)
{
    struct bytes *names = scratch_push(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            failure_raise(L, "ValueError", "%s must be a table of names and values", what);
        const char *name = lua_tostring(L, -1);
        bytes_add(names, &name, sizeof name);
    }
    *count = names->size / sizeof(char *);
    const char **list = (const char **)(void *)names->data;
    if (*count)
        qsort(list, *count, sizeof *list, by_bytes);
    return list;
}

void url_add_query(lua_State *L, int index, const char *what, struct bytes *out)
{
    if (!lua_istable(L, index))
        failure_raise(L, "ValueError", "%s must be a table, not %s", what, failure_show(L, index));
    size_t count;
    const char **names = sorted_names(L, index, what, &count);
    for (size_t i = 0; i < count; i++) {
        struct span name = span_of(names[i]);
        lua_getfield(L, index, names[i]);
        size_t items = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
        for (size_t item = 1; item <= items; item++) {
            lua_rawgeti(L, -1, (int)item);
            add_pair(L, name, what, out);
            lua_pop(L, 1);
        }
        if (!lua_istable(L, -1))
            add_pair(L, name, what, out);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static bool named_like_a_key(struct span name)
{
    static const char *const words[] = {"key",  "token",  "secret",     "password",
                                        "auth", "passwd", "credential", "signature"};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t size = strlen(words[w]);
        for (size_t i = 0; i + size <= name.size; i++)
            if (strncasecmp(name.data + i, words[w], size) == 0)
                return true;
    }
    return false;
}

static void show_query(struct span query, struct bytes *out)
{
    while (query.size) {
        const char *amp = memchr(query.data, '&', query.size);
        size_t size = amp ? (size_t)(amp - query.data) + 1 : query.size;
        const char *equals = memchr(query.data, '=', size);
        struct span name = {query.data, equals ? (size_t)(equals - query.data) : size};
        if (equals && named_like_a_key(name)) {
            bytes_add_span(out, name);
            bytes_add_text(out, amp ? "=***&" : "=***");
        } else {
            bytes_add(out, query.data, size);
        }
        query.data += size;
        query.size -= size;
    }
}

void url_show(struct span url, struct bytes *out)
{
    const char *fragment = url.size ? memchr(url.data, '#', url.size) : NULL;
    if (fragment)
        url.size = (size_t)(fragment - url.data);
    const char *question = url.size ? memchr(url.data, '?', url.size) : NULL;
    size_t front = question ? (size_t)(question - url.data) : url.size;
    const char *host = memmem(url.data, front, "://", 3);
    size_t at = host ? (size_t)(host - url.data) + 3 : 0;
    bytes_add(out, url.data, at);
    size_t slash = at;
    while (slash < front && url.data[slash] != '/')
        slash++;
    const char *user = memrchr(url.data + at, '@', slash - at);
    if (user)
        at = (size_t)(user - url.data) + 1;
    bytes_add(out, url.data + at, front - at);
    if (question) {
        bytes_add_char(out, '?');
        show_query((struct span){question + 1, url.size - front - 1}, out);
    }
    redact(out);
}

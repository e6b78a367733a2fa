/* Text functions of the sandbox: find, match, gmatch, and what gsub is made of in Lua. */
#include "script/text.h"

#include <string.h>

#include <lauxlib.h>

#include "script/pattern.h"
#include "script/vm.h"

static void push_capture(struct matcher *m, int index, const char *start, const char *end)
{
    if (index >= m->captures) {
        if (index != 0)
            script_error(m->L, "invalid capture index");
        lua_pushlstring(m->L, start, (size_t)(end - start));
        return;
    }
    const struct capture *capture = &m->capture[index];
    if (capture->size == PATTERN_POSITION)
        lua_pushinteger(m->L, capture->start - m->subject + 1);
    else if (capture->size == PATTERN_OPEN)
        script_error(m->L, "unfinished capture");
    else
        lua_pushlstring(m->L, capture->start, (size_t)capture->size);
}

/* All captures, or the whole match when the pattern has none and `whole`. */
static int push_captures(struct matcher *m, bool whole, const char *start, const char *end)
{
    int count = m->captures == 0 && whole ? 1 : m->captures;
    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++)
        push_capture(m, i, start, end);
    return count;
}

static struct span text_argument(lua_State *L, int index)
{
    struct span text;
    text.data = luaL_checklstring(L, index, &text.size);
    return text;
}

/* The start position of find and match, from 1; beyond the end it is 0. */
static size_t start_argument(lua_State *L, int index, size_t size)
{
    double start = luaL_optnumber(L, index, 1);
    if (start < 0)
        start += (double)size + 1;
    if (start < 1)
        start = 1;
    return start > (double)size + 1 ? 0 : (size_t)start;
}

static bool is_plain(struct span pattern)
{
    for (size_t i = 0; i < pattern.size; i++)
        if (memchr("^$*+?.([%-", pattern.data[i], 10))
            return false;
    return true;
}

static int find_plain(lua_State *L, struct span text, struct span wanted, size_t start)
{
    const char *at = wanted.size == 0 ? text.data + start - 1
                                      : memmem(text.data + start - 1, text.size - start + 1,
                                               wanted.data, wanted.size);
    if (!at) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - text.data + 1);
    lua_pushinteger(L, at - text.data + (ptrdiff_t)wanted.size);
    return 2;
}

static int search_from(lua_State *L, struct span text, struct span pattern, size_t start,
                       bool positions)
{
    struct matcher m = pattern_matcher(L, text, pattern);
    bool anchored = pattern.size > 0 && pattern.data[0] == '^';
    const char *end;
    const char *at = pattern_search(&m, text.data + start - 1, pattern.data + (anchored ? 1 : 0),
                                    anchored, &end);
    if (!at) {
        lua_pushnil(L);
        return 1;
    }
    if (!positions)
        return push_captures(&m, true, at, end);
    lua_pushinteger(L, at - text.data + 1);
    lua_pushinteger(L, end - text.data);
    return 2 + push_captures(&m, false, at, end);
}

/* find(text, pattern [, start [, plain]]) */
static int find(lua_State *L)
{
    struct span text = text_argument(L, 1);
    struct span pattern = text_argument(L, 2);
    size_t start = start_argument(L, 3, text.size);
    if (start == 0) {
        lua_pushnil(L);
        return 1;
    }
    if (lua_toboolean(L, 4) || is_plain(pattern))
        return find_plain(L, text, pattern, start);
    return search_from(L, text, pattern, start, true);
}

/* match(text, pattern [, start]) */
static int match_text(lua_State *L)
{
    struct span text = text_argument(L, 1);
    struct span pattern = text_argument(L, 2);
    size_t start = start_argument(L, 3, text.size);
    if (start == 0) {
        lua_pushnil(L);
        return 1;
    }
    return search_from(L, text, pattern, start, false);
}

/* next_match(text, pattern, start) -> from, to, captures or the whole match; nil at the end */
static int next_match(lua_State *L)
{
    struct span text = text_argument(L, 1);
    struct span pattern = text_argument(L, 2);
    size_t start = start_argument(L, 3, text.size);
    struct matcher m = pattern_matcher(L, text, pattern);
    bool anchored = pattern.size > 0 && pattern.data[0] == '^';
    const char *end;
    const char *at = start == 0 || (anchored && start > 1)
                         ? NULL
                         : pattern_search(&m, text.data + start - 1,
                                          pattern.data + (anchored ? 1 : 0), anchored, &end);
    if (!at)
        return 0;
    lua_pushinteger(L, at - text.data + 1);
    lua_pushinteger(L, end - text.data);
    return 2 + push_captures(&m, true, at, end);
}

/* The iterator of gmatch: upvalues text, pattern, offset. */
static int gmatch_next(lua_State *L)
{
    struct span text = text_argument(L, lua_upvalueindex(1));
    struct span pattern = text_argument(L, lua_upvalueindex(2));
    size_t offset = (size_t)lua_tonumber(L, lua_upvalueindex(3));
    if (offset > text.size)
        return 0;
    struct matcher m = pattern_matcher(L, text, pattern);
    const char *end;
    const char *at = pattern_search(&m, text.data + offset, pattern.data, false, &end);
    lua_pushnumber(L, at ? (double)(end - text.data) + (end == at) : (double)text.size + 1);
    lua_replace(L, lua_upvalueindex(3));
    return at ? push_captures(&m, true, at, end) : 0;
}

/* gmatch(text, pattern) */
static int gmatch(lua_State *L)
{
    text_argument(L, 1);
    text_argument(L, 2);
    lua_settop(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, gmatch_next, 3);
    return 1;
}

static void add_replacement(struct matcher *m, luaL_Buffer *out, struct span with,
                            const char *start, const char *end)
{
    for (size_t i = 0; i < with.size; i++) {
        if (with.data[i] != '%') {
            luaL_addchar(out, with.data[i]);
            continue;
        }
        unsigned char what = i + 1 < with.size ? (unsigned char)with.data[++i] : '\0';
        if (what == '0') {
            luaL_addlstring(out, start, (size_t)(end - start));
        } else if (what >= '0' && what <= '9') {
            push_capture(m, what - '1', start, end);
            luaL_addvalue(out);
        } else {
            luaL_addchar(out, (char)what);
        }
    }
}

/* replace(text, pattern, text with %1 [, limit]): gsub without a callback */
static int replace(lua_State *L)
{
    struct span text = text_argument(L, 1);
    struct span pattern = text_argument(L, 2);
    struct span with = text_argument(L, 3);
    double limit = luaL_optnumber(L, 4, (double)text.size + 1);
    struct matcher m = pattern_matcher(L, text, pattern);
    bool anchored = pattern.size > 0 && pattern.data[0] == '^';
    const char *items = pattern.data + (anchored ? 1 : 0);
    const char *s = text.data;
    const char *end;
    const char *at;
    int count = 0;
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    while (count < limit && s <= m.subject_end &&
           (at = pattern_search(&m, s, items, anchored, &end))) {
        count++;
        luaL_addlstring(&out, s, (size_t)(at - s));
        add_replacement(&m, &out, with, at, end);
        s = end;
        if (end == at && s < m.subject_end)
            luaL_addchar(&out, *s++);
        else if (end == at)
            s++;
        if (anchored)
            break;
    }
    if (s < m.subject_end)
        luaL_addlstring(&out, s, (size_t)(m.subject_end - s));
    luaL_pushresult(&out);
    lua_pushinteger(L, count);
    return 2;
}

void text_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"find",       find      },
        {"match",      match_text},
        {"gmatch",     gmatch    },
        {"replace",    replace   },
        {"next_match", next_match},
        {NULL,         NULL      },
    };
    luaL_setfuncs(L, functions, 0);
}

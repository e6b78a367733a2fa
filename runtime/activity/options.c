#include "activity/options.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "activity/failure.h"
#include "script/number.h"

enum { LONGEST_KEY = 32 };

struct unit {
    const char *name;
    double factor;
};

static const struct unit durations[] = {
    {"ms", 1      },
    {"s",  1e3    },
    {"m",  60e3   },
    {"h",  3600e3 },
    {"d",  86400e3},
    {NULL, 0      },
};

static const struct unit sizes[] = {
    {"",   1                   },
    {"B",  1                   },
    {"KB", 1024.0              },
    {"MB", 1024.0 * 1024       },
    {"GB", 1024.0 * 1024 * 1024},
    {NULL, 0                   },
};

/* "1.5h" or "1h30m" by a table of units; negative when it is no such thing. */
static double measure(const char *text, const struct unit *units)
{
    double sum = 0;
    do {
        char *end;
        double amount = strtod(text, &end);
        size_t size = strspn(end, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        const struct unit *unit = units;
        while (unit->name &&
               (strlen(unit->name) != size || strncasecmp(end, unit->name, size) != 0))
            unit++;
        if (end == text || !(amount >= 0) || !unit->name)
            return -1;
        sum += amount * unit->factor;
        text = end + size;
    } while (*text);
    return sum;
}

/* A duration in milliseconds from the value at index; raises unless it is one. `what` names it in
 * the error. */
static int64_t duration_at(lua_State *L, int index, const char *what)
{
    double ms = -1;
    if (lua_type(L, index) == LUA_TNUMBER)
        ms = lua_tonumber(L, index) * 1000;
    else if (lua_type(L, index) == LUA_TSTRING)
        ms = measure(lua_tostring(L, index), durations);
    if (!(ms >= 0 && ms < 1e15))
        failure_raise(
            L, "ValueError",
            "%s must be a duration such as \"500ms\", \"30s\", \"5m\", \"1h\", \"2d\" or a "
            "number of seconds, not %s",
            what, failure_show(L, index));
    return (int64_t)ceil(ms);
}

static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_KEY + 1];
    size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t change = diagonal + (a[i] != b[j]);
            size_t shorter = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < shorter ? change : shorter;
        }
    }
    return row[width];
}

static const struct option *nearest(const char *key, const struct option *known)
{
    const struct option *best = known;
    for (const struct option *o = known; o->name; o++)
        if (distance(key, o->name) < distance(key, best->name))
            best = o;
    return best;
}

static void check_keys(lua_State *L, int index, const char *call, const struct option *known)
{
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            failure_raise(L, "ValueError", "%s: options go by name, not by position", call);
        const char *key = lua_tostring(L, -1);
        const struct option *o = known;
        while (o->name && strcmp(o->name, key) != 0)
            o++;
        if (!o->name)
            failure_raise(L, "ValueError", "%s: unknown option '%s', did you mean '%s'?", call, key,
                          nearest(key, known)->name);
    }
}

static void read_count(lua_State *L, const char *call, const struct option *o, size_t *out)
{
    double n = -1;
    if (lua_type(L, -1) == LUA_TNUMBER)
        n = lua_tonumber(L, -1);
    else if (o->kind == OPTION_SIZE && lua_type(L, -1) == LUA_TSTRING)
        n = measure(lua_tostring(L, -1), sizes);
    if (!(n >= 0 && n <= (double)NUMBER_EXACT && floor(n) == n))
        failure_raise(L, "ValueError", "%s: option '%s' must be %s, not %s", call, o->name,
                      o->kind == OPTION_SIZE ? "a number of bytes or a size such as \"64MB\""
                                             : "a whole number",
                      failure_show(L, -1));
    *out = (size_t)n;
}

static void read_text(lua_State *L, const char *call, const struct option *o, struct span *out)
{
    if (lua_type(L, -1) != LUA_TSTRING)
        failure_raise(L, "ValueError", "%s: option '%s' must be text, not %s", call, o->name,
                      failure_show(L, -1));
    out->data = lua_tolstring(L, -1, &out->size);
}

/* The value is on top; true when it has to stay there. */
static bool read_value(lua_State *L, const char *call, const struct option *o, void *field)
{
    switch (o->kind) {
    case OPTION_FLAG:
        if (lua_type(L, -1) != LUA_TBOOLEAN)
            failure_raise(L, "ValueError", "%s: option '%s' must be true or false, not %s", call,
                          o->name, failure_show(L, -1));
        *(bool *)field = lua_toboolean(L, -1);
        return false;
    case OPTION_COUNT:
    case OPTION_SIZE:
        read_count(L, call, o, field);
        return false;
    case OPTION_DURATION:
        lua_pushfstring(L, "%s: option '%s'", call, o->name);
        *(int64_t *)field = duration_at(L, -2, lua_tostring(L, -1));
        lua_pop(L, 1);
        return false;
    case OPTION_TEXT:
        read_text(L, call, o, field);
        return false;
    case OPTION_VALUE:
        *(int *)field = lua_gettop(L);
        return true;
    }
    return false;
}

void options_read(lua_State *L, int index, const char *call, const struct option *known,
                  void *fields)
{
    if (lua_isnoneornil(L, index))
        return;
    if (!lua_istable(L, index))
        failure_raise(L, "ValueError", "%s: options must be a table, not %s", call,
                      failure_show(L, index));
    if (index < 0)
        index = lua_gettop(L) + 1 + index;
    check_keys(L, index, call, known);
    for (const struct option *o = known; o->name; o++) {
        luaL_checkstack(L, 4, NULL);
        lua_getfield(L, index, o->name);
        if (lua_isnil(L, -1) || !read_value(L, call, o, (char *)fields + o->place))
            lua_pop(L, 1);
    }
}

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "script/json.h"
#include "script/json_scan.h"
#include "script/json_vm.h"
#include "script/number.h"

/* Where in the value the writer stands, innermost first. */
struct place {
    const struct place *outer;
    struct span key; /* data NULL: element `index` of an array */
    int index;
};

struct writer {
    lua_State *L;
    struct json_vm *vm;
    struct bytes *out;
    size_t start; /* out's size before the value */
    int marks;
    unsigned depth;
    struct error *err;
};

static void add_place(struct bytes *path, const struct place *place)
{
    if (!place)
        return;
    add_place(path, place->outer);
    if (place->key.data)
        bytes_printf(path, ".%.*s", (int)(place->key.size < 80 ? place->key.size : 80),
                     place->key.data);
    else
        bytes_printf(path, "[%d]", place->index);
}

static bool refuse(struct writer *w, const struct place *place, enum error_kind kind,
                   const char *why)
{
    struct bytes path = {0};
    bytes_add_text(&path, "value");
    add_place(&path, place);
    error_set(w->err, kind, "%s: %s", bytes_text(&path), why);
    bytes_release(&path);
    return false;
}

static const char hex_digits[] = "0123456789abcdef";

static void add_escape(struct bytes *out, unsigned char c)
{
    static const char short_forms[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char text[6] = {'\\', 'u', '0', '0', hex_digits[c >> 4 & 15], hex_digits[c & 15]};
    if (c >= 0x20 || short_forms[c]) {
        text[1] = c >= 0x20 ? (char)c : short_forms[c];
        bytes_add(out, text, 2);
    } else {
        bytes_add(out, text, sizeof text);
    }
}

void json_add_text(struct bytes *out, struct span text)
{
    const char *p = text.data;
    const char *end = p + text.size;
    bytes_reserve(out, text.size + 2);
    bytes_add_char(out, '"');
    while (p < end) {
        const char *plain = json_skip_plain(p, end);
        while (plain < end && (unsigned char)*plain >= 0x80)
            plain = json_skip_plain(plain + 1, end);
        bytes_add(out, p, (size_t)(plain - p));
        if (plain < end)
            add_escape(out, (unsigned char)*plain++);
        p = plain;
    }
    bytes_add_char(out, '"');
}

static bool write_text(struct writer *w, const struct place *place, struct span text)
{
    const char *plain = json_skip_plain(text.data, text.data + text.size);
    if (plain == text.data + text.size) {
        char *to = bytes_reserve(w->out, text.size + 2);
        to[0] = '"';
        memcpy(to + 1, text.data, text.size);
        to[text.size + 1] = '"';
        bytes_added(w->out, text.size + 2);
        return true;
    }
    size_t valid = utf8_prefix(text);
    if (valid < text.size) {
        char why[80];
        snprintf(why, sizeof why, "text that is not UTF-8 (byte %zu is 0x%02X)", valid + 1,
                 (unsigned char)text.data[valid]);
        return refuse(w, place, ERROR_USAGE, why);
    }
    json_add_text(w->out, text);
    return true;
}

static bool write_number(struct writer *w, const struct place *place, double value)
{
    if (!isfinite(value))
        return refuse(w, place, ERROR_USAGE,
                      isnan(value) ? "not a number (NaN), which JSON cannot hold"
                                   : "infinity, which JSON cannot hold");
    size_t length = number_write(value, bytes_reserve(w->out, NUMBER_TEXT_MAX));
    bytes_added(w->out, length);
    return true;
}

static bool write_value(struct writer *w, const struct place *place);

static int compare_keys(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;
    int order = memcmp(x->data, y->data, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static void sort_keys(struct span *keys, size_t count)
{
    if (count > 16) {
        qsort(keys, count, sizeof *keys, compare_keys);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct span key = keys[i];
        size_t j = i;
        for (; j > 0 && compare_keys(&keys[j - 1], &key) > 0; j--)
            keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

/* What kinds of keys a table has. Counted over all of them, since their order in memory is another
 * one in every process: whatever is decided or refused must not depend on it. */
struct census {
    size_t base;    /* in vm->keys: where the table's keys begin, those that are text */
    size_t texts;   /* keys that are text */
    size_t places;  /* 1, 2, 3, ... */
    size_t numbers; /* other integers */
    size_t others;
    double highest; /* of places */
};

static bool is_integer(lua_State *L, int index)
{
    double n = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : NAN;
    return n == floor(n) && fabs(n) <= (double)NUMBER_EXACT;
}

static void add_key(struct writer *w, const char *data, size_t size)
{
    struct span key = {data, size};
    bytes_add(&w->vm->keys, &key, sizeof key);
}

static void count_key(struct writer *w, struct census *c)
{
    lua_State *L = w->L;
    if (lua_type(L, -1) == LUA_TSTRING) {
        size_t size;
        const char *data = lua_tolstring(L, -1, &size);
        add_key(w, data, size);
        c->texts++;
    } else if (!is_integer(L, -1)) {
        c->others++;
    } else if (lua_tonumber(L, -1) < 1) {
        c->numbers++;
    } else {
        c->places++;
        c->highest = fmax(c->highest, lua_tonumber(L, -1));
    }
}

/* Of the table on top. */
static struct census count_keys(struct writer *w)
{
    struct census c = {.base = w->vm->keys.size};
    lua_pushnil(w->L);
    while (lua_next(w->L, -2)) {
        lua_pop(w->L, 1);
        count_key(w, &c);
    }
    return c;
}

/* Integers as keys of a marked object become text, anchored in a table at `texts`. */
static void name_integers(struct writer *w, int table, int texts)
{
    lua_State *L = w->L;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TNUMBER)
            continue;
        char text[NUMBER_TEXT_MAX];
        size_t size = number_write(lua_tonumber(L, -1), text);
        lua_pushlstring(L, text, size);
        add_key(w, lua_tostring(L, -1), size);
        lua_pushvalue(L, -2);
        lua_rawset(L, texts);
    }
}

static struct span *keys_at(struct writer *w, size_t base)
{
    return (struct span *)(void *)(w->vm->keys.data + base);
}

/* Pushes the value of the key in the table at index. */
static void push_field(struct writer *w, int table, int texts, struct span key)
{
    lua_State *L = w->L;
    lua_pushlstring(L, key.data, key.size);
    if (texts) {
        lua_pushvalue(L, -1);
        lua_rawget(L, texts);
        if (lua_isnil(L, -1))
            lua_pop(L, 1);
        else
            lua_remove(L, -2);
    }
    lua_rawget(L, table);
}

static bool write_fields(struct writer *w, const struct place *place, int texts, size_t base)
{
    int table = texts ? texts - 1 : lua_gettop(w->L);
    size_t count = (w->vm->keys.size - base) / sizeof(struct span);
    if (count == 0)
        return true;
    sort_keys(keys_at(w, base), count);
    struct place here = {.outer = place};
    for (size_t i = 0; i < count; i++) {
        here.key = keys_at(w, base)[i];
        if (i && compare_keys(keys_at(w, base) + i - 1, &here.key) == 0)
            return refuse(w, &here, ERROR_USAGE, "a number and a text as keys that read the same");
        if (i)
            bytes_add_char(w->out, ',');
        if (!write_text(w, &here, here.key))
            return false;
        bytes_add_char(w->out, ':');
        push_field(w, table, texts, here.key);
        if (!write_value(w, &here))
            return false;
        lua_pop(w->L, 1);
    }
    return true;
}

static bool write_object(struct writer *w, const struct place *place, const struct census *c)
{
    int texts = 0;
    if (c->others)
        return refuse(w, place, ERROR_USAGE,
                      "an object with a key that is neither text nor an integer");
    if (c->places || c->numbers) {
        lua_newtable(w->L);
        texts = lua_gettop(w->L);
        name_integers(w, texts - 1, texts);
    }
    bytes_add_char(w->out, '{');
    if (!write_fields(w, place, texts, c->base))
        return false;
    bytes_add_char(w->out, '}');
    if (texts)
        lua_pop(w->L, 1);
    return true;
}

static bool check_array(struct writer *w, const struct place *place, const struct census *c)
{
    char why[120];
    if (c->texts || c->numbers || c->others)
        return refuse(w, place, ERROR_USAGE,
                      "an array with a key that is not 1, 2, 3, ... (json.object marks a table as "
                      "an object)");
    if ((double)c->places == c->highest)
        return true;
    snprintf(why, sizeof why, "an array with holes: %zu elements, but the highest index is %.0f",
             c->places, c->highest);
    return refuse(w, place, ERROR_USAGE, why);
}

static bool write_array(struct writer *w, const struct place *place, const struct census *c)
{
    if (!check_array(w, place, c))
        return false;
    struct place here = {.outer = place};
    bytes_add_char(w->out, '[');
    for (size_t i = 1; i <= c->places; i++) {
        if (i > 1)
            bytes_add_char(w->out, ',');
        here.index = (int)i;
        lua_rawgeti(w->L, -1, here.index);
        if (!write_value(w, &here))
            return false;
        lua_pop(w->L, 1);
    }
    bytes_add_char(w->out, ']');
    return true;
}

static bool has_mark(struct writer *w, enum json_mark mark)
{
    if (!lua_getmetatable(w->L, -1))
        return false;
    bool same = lua_rawequal(w->L, -1, w->marks + mark);
    lua_pop(w->L, 1);
    return same;
}

static bool write_counted(struct writer *w, const struct place *place, const struct census *c)
{
    size_t rest = c->places + c->numbers + c->others;
    if (has_mark(w, JSON_MARK_ARRAY))
        return write_array(w, place, c);
    if (has_mark(w, JSON_MARK_OBJECT) || rest == 0)
        return write_object(w, place, c);
    if (c->texts)
        return refuse(w, place, ERROR_USAGE, "a table with both text and other keys");
    return write_array(w, place, c);
}

static bool write_table(struct writer *w, const struct place *place)
{
    if (w->depth == JSON_DEPTH_MAX)
        return refuse(w, NULL, ERROR_LIMIT, "nested deeper than 200 levels (a table in itself?)");
    w->depth++;
    struct census census = count_keys(w);
    bool ok = write_counted(w, place, &census);
    w->vm->keys.size = census.base;
    w->depth--;
    return ok;
}

static bool write_userdata(struct writer *w, const struct place *place)
{
    struct span literal = json_number_text(w->L, w->marks, lua_gettop(w->L));
    if (!literal.size)
        return refuse(w, place, ERROR_USAGE, "a userdata, which JSON cannot hold");
    bytes_add_span(w->out, literal);
    return true;
}

static bool write_other(struct writer *w, const struct place *place)
{
    lua_State *L = w->L;
    if (lua_type(L, -1) == LUA_TNIL || (lua_islightuserdata(L, -1) && !lua_touserdata(L, -1))) {
        bytes_add_text(w->out, "null");
        return true;
    }
    char why[80];
    snprintf(why, sizeof why, "a %s, which JSON cannot hold", luaL_typename(L, -1));
    return refuse(w, place, ERROR_USAGE, why);
}

/* The value on top of the stack; leaves it there. */
static bool write_value(struct writer *w, const struct place *place)
{
    lua_State *L = w->L;
    if (w->out->size - w->start > JSON_SIZE_MAX)
        return refuse(w, NULL, ERROR_LIMIT, "more than 64 MiB of JSON");
    luaL_checkstack(L, 8, "JSON");
    struct span text;
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        text.data = lua_tolstring(L, -1, &text.size);
        return write_text(w, place, text);
    case LUA_TNUMBER:
        return write_number(w, place, lua_tonumber(L, -1));
    case LUA_TBOOLEAN:
        bytes_add_text(w->out, lua_toboolean(L, -1) ? "true" : "false");
        return true;
    case LUA_TTABLE:
        return write_table(w, place);
    case LUA_TUSERDATA:
        return write_userdata(w, place);
    default:
        return write_other(w, place);
    }
}

bool json_write(lua_State *L, int index, struct bytes *out, struct error *err)
{
    int top = lua_gettop(L);
    if (index < 0 && index > LUA_REGISTRYINDEX)
        index = top + 1 + index;
    struct writer w = {.L = L, .out = out, .start = out->size, .marks = top + 1, .err = err};
    w.vm = json_vm_push(L);
    bytes_clear(&w.vm->keys);
    lua_pushvalue(L, index);
    bool ok = write_value(&w, NULL);
    lua_settop(L, top);
    if (!ok) {
        out->size = w.start;
        if (out->data)
            out->data[out->size] = '\0';
    }
    return ok;
}

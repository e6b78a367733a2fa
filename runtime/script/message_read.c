/*
 * Table -> message. Walks the table's keys and finds each one's field, so that nothing in the table
 * goes unread. Nothing here raises: the arena, not Lua, owns what is made.
 */
#include <math.h>
#include <stdlib.h>

#include "base/path.h"
#include "base/utf8.h"
#include "proto/proto.h"
#include "script/message.h"
#include "script/number.h"
#include "script/shape.h"

struct reader {
    lua_State *L;
    struct arena *arena;
    struct error *err;
    size_t depth;
};

/* Where a value goes is known by offset alone. Each returns true, to end an expression with. */
static bool put32(char *place, uint32_t bits)
{
    memcpy(place, &bits, sizeof bits);
    return true;
}

static bool put64(char *place, uint64_t bits)
{
    memcpy(place, &bits, sizeof bits);
    return true;
}

static bool put_pointer(char *place, const void *pointer)
{
    memcpy(place, &pointer, sizeof pointer);
    return true;
}

static bool read_message(struct reader *r, const struct shape *shape, const struct path *path,
                         ProtobufCMessage **out);

static void *take(struct reader *r, const struct path *path, size_t size)
{
    void *place = arena_try(r->arena, size);

    if (!place)
        path_error(path, r->err, ERROR_LIMIT, "the message takes more than %zu bytes",
                   r->arena->limit);
    return place;
}

static bool refuse_type(struct reader *r, const struct path *path, const char *expected)
{
    return path_error(path, r->err, ERROR_SCRIPT, "expected %s, got %s", expected,
                      lua_typename(r->L, lua_type(r->L, -1)));
}

/* --- numbers: the value is on top of the stack --- */

static bool read_number(struct reader *r, const struct path *path, double *number)
{
    if (lua_type(r->L, -1) != LUA_TNUMBER)
        return refuse_type(r, path, "a number");
    *number = lua_tonumber(r->L, -1);
    return true;
}

static bool read_real(struct reader *r, const struct path *path, double *number)
{
    if (!read_number(r, path, number))
        return false;
    return !isnan(*number) || path_error(path, r->err, ERROR_SCRIPT, "not a number");
}

static bool read_whole(struct reader *r, const struct path *path, double least, double most,
                       double *number)
{
    if (!read_real(r, path, number))
        return false;
    if (*number != floor(*number) || isinf(*number))
        return path_error(path, r->err, ERROR_SCRIPT, "%.17g is not a whole number", *number);
    if (*number < least || *number > most)
        return path_error(path, r->err, ERROR_SCRIPT, "%.17g is not within %.17g and %.17g",
                          *number, least, most);
    return true;
}

/* A 64-bit integer as its bits: a number while that is exact, or its decimal digits. */
static bool read_wide(struct reader *r, const struct path *path, bool is_signed, char *place)
{
    const char *text;
    uint64_t most = is_signed ? INT64_MAX : UINT64_MAX;
    size_t size;
    double number = 0;

    if (lua_type(r->L, -1) != LUA_TSTRING) {
        if (!read_whole(r, path, is_signed ? -(double)NUMBER_EXACT : 0, (double)NUMBER_EXACT,
                        &number))
            return false;
        return put64(place, (uint64_t)(int64_t)number);
    }
    text = lua_tolstring(r->L, -1, &size);
    bool negative = is_signed && text[0] == '-';
    uint64_t sum = 0;
    size_t i = negative;
    bool fits = i < size && size < 21;
    for (; fits && i < size; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';
        fits = digit < 10 && !__builtin_mul_overflow(sum, 10, &sum) &&
               !__builtin_add_overflow(sum, digit, &sum) && sum <= most + negative;
    }
    if (!fits)
        return path_error(path, r->err, ERROR_SCRIPT, "\"%.40s\" is not a 64-bit integer", text);
    return put64(place, negative ? -sum : sum);
}

static bool read_enum(struct reader *r, const struct shape_field *field, const struct path *path,
                      char *place)
{
    const ProtobufCEnumValue *value;
    const char *nearest;
    const char *name;
    double number = 0;
    size_t size;

    if (lua_type(r->L, -1) != LUA_TSTRING) {
        if (lua_type(r->L, -1) != LUA_TNUMBER)
            return refuse_type(r, path, "an enum value's name");
        return read_whole(r, path, INT32_MIN, INT32_MAX, &number) &&
               put32(place, (uint32_t)(int32_t)number);
    }
    name = lua_tolstring(r->L, -1, &size);
    value = protobuf_c_enum_descriptor_get_value_by_name(field->values, name);
    if (value && strlen(value->name) == size)
        return put32(place, (uint32_t)value->value);
    nearest = shape_nearest_value(field->values, (struct span){name, size});
    return path_error(path, r->err, ERROR_SCRIPT, "%s has no value %.80s%s%s%s",
                      field->values->short_name, name, nearest ? "; did you mean " : "",
                      nearest ? nearest : "", nearest ? "?" : "");
}

/* Below it (99 days) a double of milliseconds tells nanoseconds apart. Above, what is smaller than
 * a microsecond is noise. */
static const double fine_ms = 0x1p33;

/* Milliseconds to seconds and nanoseconds: a Duration's have one sign, a Timestamp's nanoseconds
 * count upwards. Both messages have the same form. */
static bool read_time(struct reader *r, const struct shape_field *field, const struct path *path,
                      char *place)
{
    static const double seconds_max[] = {
        [SHAPE_DURATION] = 315576000000.0,
        [SHAPE_TIMESTAMP] = 253402300799.0,
    };
    Gpb__Duration *time;
    double ms = 0;

    if (!read_real(r, path, &ms))
        return false;
    double seconds = field->kind == SHAPE_DURATION ? trunc(ms / 1e3) : floor(ms / 1e3);
    double parts = fabs(ms) < fine_ms ? 1e6 : 1e3;
    double nanos = round((ms - seconds * 1e3) * parts) * (1e6 / parts);
    if (fabs(nanos) >= 1e9) {
        seconds += nanos < 0 ? -1 : 1;
        nanos = 0;
    }
    if (!(fabs(seconds) <= seconds_max[field->kind]))
        return path_error(path, r->err, ERROR_SCRIPT, "%.17g ms is out of range", ms);
    time = take(r, path, sizeof *time);
    if (!time)
        return false;
    proto_init(field->of->type, time);
    time->seconds = (int64_t)seconds;
    time->nanos = (int32_t)nanos;
    return put_pointer(place, time);
}

/* --- text --- */

static bool read_string(struct reader *r, const struct path *path, char *place)
{
    const char *text;
    size_t size;
    char *copy;

    if (lua_type(r->L, -1) != LUA_TSTRING)
        return refuse_type(r, path, "a string");
    text = lua_tolstring(r->L, -1, &size);
    size_t good = utf8_prefix((struct span){text, size});
    if (good < size)
        return path_error(path, r->err, ERROR_SCRIPT, "not UTF-8 from byte %zu on", good + 1);
    if (memchr(text, 0, size))
        return path_error(path, r->err, ERROR_SCRIPT, "holds a NUL byte");
    copy = take(r, path, size + 1);
    if (!copy)
        return false;
    memcpy(copy, text, size + 1);
    return put_pointer(place, copy);
}

static bool read_bytes(struct reader *r, const struct path *path, char *place)
{
    ProtobufCBinaryData value;
    const char *text;

    if (lua_type(r->L, -1) != LUA_TSTRING)
        return refuse_type(r, path, "a string of bytes");
    text = lua_tolstring(r->L, -1, &value.len);
    value.data = take(r, path, value.len + 1);
    if (!value.data)
        return false;
    memcpy(value.data, text, value.len);
    memcpy(place, &value, sizeof value);
    return true;
}

static bool read_value(struct reader *r, const struct shape_field *field, const struct path *path,
                       char *place)
{
    double number = 0;

    switch (field->kind) {
    case SHAPE_INT32:
        return read_whole(r, path, INT32_MIN, INT32_MAX, &number) &&
               put32(place, (uint32_t)(int32_t)number);
    case SHAPE_UINT32:
        return read_whole(r, path, 0, UINT32_MAX, &number) && put32(place, (uint32_t)number);
    case SHAPE_INT64:
    case SHAPE_UINT64:
        return read_wide(r, path, field->kind == SHAPE_INT64, place);
    case SHAPE_FLOAT:
        if (!read_number(r, path, &number))
            return false;
        *(float *)place = (float)number;
        return true;
    case SHAPE_DOUBLE:
        return read_number(r, path, (double *)place);
    case SHAPE_BOOL:
        if (lua_type(r->L, -1) != LUA_TBOOLEAN)
            return refuse_type(r, path, "true or false");
        *(protobuf_c_boolean *)place = lua_toboolean(r->L, -1);
        return true;
    case SHAPE_ENUM:
        return read_enum(r, field, path, place);
    case SHAPE_STRING:
        return read_string(r, path, place);
    case SHAPE_BYTES:
        return read_bytes(r, path, place);
    case SHAPE_MESSAGE:
        return read_message(r, field->of, path, (ProtobufCMessage **)place);
    case SHAPE_DURATION:
    case SHAPE_TIMESTAMP:
        return read_time(r, field, path, place);
    }
    return false;
}

/* --- lists and maps --- */

/* One pass over the keys finds holes and strangers: as many keys as elements, each in its place. */
static bool read_list(struct reader *r, const struct shape_field *field, const struct path *path,
                      char *base)
{
    if (!lua_istable(r->L, -1))
        return refuse_type(r, path, "a list");
    size_t count = lua_objlen(r->L, -1);
    size_t seen = 0;
    char *values = take(r, path, count * field->size);
    if (!values)
        return false;
    for (lua_pushnil(r->L); lua_next(r->L, -2); lua_pop(r->L, 1)) {
        double key = lua_type(r->L, -2) == LUA_TNUMBER ? lua_tonumber(r->L, -2) : 0;
        if (!(key >= 1 && key <= (double)count && key == floor(key)))
            return path_error(path, r->err, ERROR_SCRIPT,
                              "expected a list of %zu, got a table with other keys or holes",
                              count);
        struct path element = {.up = path, .index = (size_t)key};
        if (!read_value(r, field, &element, values + ((size_t)key - 1) * field->size))
            return false;
        seen++;
    }
    if (seen != count)
        return path_error(path, r->err, ERROR_SCRIPT, "the list has holes");
    return put64(base + field->chooser, count) && put_pointer(base + field->offset, values);
}

static int compare_keys(const void *a, const void *b, void *user)
{
    const struct shape_field *key = user;
    const char *x = *(const char *const *)a + key->offset;
    const char *y = *(const char *const *)b + key->offset;

    if (key->kind == SHAPE_STRING)
        return strcmp(*(const char *const *)x, *(const char *const *)y);
    return (*(const int32_t *)x > *(const int32_t *)y) -
           (*(const int32_t *)x < *(const int32_t *)y);
}

/* The entry whose key and value are on the stack. lua_next must see its key unchanged: a copy is
 * read. */
static bool read_entry(struct reader *r, const struct shape *shape, const struct path *path,
                       char **out)
{
    struct path element = {
        .up = path, .name = {"key", 3}
    };
    char *entry = take(r, path, shape->type->sizeof_message);

    if (!entry)
        return false;
    proto_init(shape->type, entry);
    *out = entry;
    if (lua_type(r->L, -2) == LUA_TSTRING)
        element.name.data = lua_tolstring(r->L, -2, &element.name.size);
    lua_pushvalue(r->L, -2);
    bool good = read_value(r, &shape->fields[0], &element, entry + shape->fields[0].offset);
    lua_pop(r->L, 1);
    return good && read_value(r, &shape->fields[1], &element, entry + shape->fields[1].offset);
}

static bool read_map(struct reader *r, const struct shape_field *field, const struct path *path,
                     char *base)
{
    size_t count = 0;
    size_t i = 0;

    if (!lua_istable(r->L, -1))
        return refuse_type(r, path, "a table");
    for (lua_pushnil(r->L); lua_next(r->L, -2); lua_pop(r->L, 1))
        count++;
    char **entries = take(r, path, count * sizeof *entries);
    if (!entries)
        return false;
    for (lua_pushnil(r->L); lua_next(r->L, -2); lua_pop(r->L, 1))
        if (!read_entry(r, field->of, path, &entries[i++]))
            return false;
    if (count > 1)
        qsort_r(entries, count, sizeof *entries, compare_keys, (void *)&field->of->fields[0]);
    return put64(base + field->chooser, count) && put_pointer(base + field->offset, entries);
}

/* --- messages --- */

static bool refuse_key(struct reader *r, const struct shape *shape, const struct path *up,
                       struct span key)
{
    const char *nearest = shape_nearest_field(shape, key);
    struct path path = {.up = up, .name = key};

    return path_error(&path, r->err, ERROR_SCRIPT, "no such field%s%s%s",
                      nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* Chooses this member of its oneof, unless another one is chosen. */
static bool choose(struct reader *r, const struct shape *shape, const struct shape_field *field,
                   const struct path *path, char *base)
{
    uint32_t *chosen = (uint32_t *)(base + field->chooser);

    if (*chosen)
        return path_error(path, r->err, ERROR_SCRIPT, "only one of this and %s may be set",
                          shape_numbered(shape, *chosen)->name.data);
    *chosen = field->field->id;
    return true;
}

static bool read_field(struct reader *r, const struct shape *shape, const struct path *up,
                       char *base)
{
    struct path path = {.up = up};

    if (lua_type(r->L, -2) != LUA_TSTRING)
        return path_error(up, r->err, ERROR_SCRIPT, "%s has fields by name, not by %s",
                          shape->type->short_name, lua_typename(r->L, lua_type(r->L, -2)));
    path.name.data = lua_tolstring(r->L, -2, &path.name.size);
    const struct shape_field *field = shape_field(shape, path.name);
    if (!field)
        return refuse_key(r, shape, up, path.name);
    if (field->count == SHAPE_LIST)
        return read_list(r, field, &path, base);
    if (field->count == SHAPE_MAP)
        return read_map(r, field, &path, base);
    if (field->oneof && !choose(r, shape, field, &path, base))
        return false;
    return read_value(r, field, &path, base + field->offset);
}

static bool read_message(struct reader *r, const struct shape *shape, const struct path *path,
                         ProtobufCMessage **out)
{
    char *base;

    if (!lua_istable(r->L, -1))
        return refuse_type(r, path, "a table");
    if (r->depth == PROTO_DEPTH_MAX || !lua_checkstack(r->L, 8))
        return path_error(path, r->err, ERROR_LIMIT, "messages nested more than %d deep",
                          PROTO_DEPTH_MAX);
    base = take(r, path, shape->type->sizeof_message);
    if (!base)
        return false;
    proto_init(shape->type, base);
    r->depth++;
    for (lua_pushnil(r->L); lua_next(r->L, -2); lua_pop(r->L, 1))
        if (!read_field(r, shape, path, base))
            return false;
    r->depth--;
    *out = (ProtobufCMessage *)base;
    return true;
}

ProtobufCMessage *message_read(lua_State *L, int index, const ProtobufCMessageDescriptor *type,
                               struct arena *arena, struct error *err)
{
    struct reader r = {L, arena, err, 0};
    ProtobufCMessage *message = NULL;
    int top = lua_gettop(L);

    if (!lua_checkstack(L, 1)) {
        error_set(err, ERROR_LIMIT, "no room on Lua's stack");
        return NULL;
    }
    lua_pushvalue(L, index);
    if (!read_message(&r, shape_of(type), NULL, &message))
        message = NULL;
    lua_settop(L, top);
    return message;
}

/* Message -> proto3 JSON. Fields in order of their numbers, maps as they stand in the message. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/path.h"
#include "base/utf8.h"
#include "script/json_scan.h"
#include "script/number.h"
#include "script/protojson.h"
#include "script/protojson_text.h"
#include "script/shape.h"

struct writer {
    struct bytes *out;
    struct error *err;
    size_t depth; /* of objects and lists, for the indentation */
};

#define AT(type, place) (*(const type *)(place))

static bool write_message(struct writer *w, const struct shape *shape, const struct path *path,
                          const char *base);

static void new_line(struct writer *w)
{
    bytes_printf(w->out, "\n%*s", (int)(2 * w->depth), "");
}

/* Between the brackets of a list or an object, in front of each part. */
static void part(struct writer *w, bool *first)
{
    if (!*first)
        bytes_add_char(w->out, ',');
    *first = false;
    new_line(w);
}

static void open_bracket(struct writer *w, char bracket)
{
    bytes_add_char(w->out, bracket);
    w->depth++;
}

static void close_bracket(struct writer *w, char bracket, bool empty)
{
    w->depth--;
    if (!empty)
        new_line(w);
    bytes_add_char(w->out, bracket);
}

/* --- single values --- */

static bool write_text(struct writer *w, const struct path *path, const char *text)
{
    struct span span = span_of(text ? text : "");

    if (!utf8_valid(span))
        return path_error(path, w->err, ERROR_MALFORMED, "not UTF-8");
    json_add_text(w->out, span);
    return true;
}

static void write_double(struct writer *w, double value)
{
    char text[NUMBER_TEXT_MAX];

    if (isnan(value))
        bytes_add_text(w->out, "\"NaN\"");
    else if (isinf(value))
        bytes_add_text(w->out, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    else
        bytes_add(w->out, text, number_write(value, text));
}

/* The shortest decimal that reads back as the same float, which is not the double's. */
static void write_float(struct writer *w, float value)
{
    char text[NUMBER_TEXT_MAX];

    if (!isfinite(value)) {
        write_double(w, (double)value);
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    bytes_add_text(w->out, text);
}

static void write_enum(struct writer *w, const struct shape_field *field, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(field->values, number);

    if (value)
        bytes_printf(w->out, "\"%s\"", value->name);
    else
        bytes_printf(w->out, "%d", number);
}

static void write_bytes(struct writer *w, const ProtobufCBinaryData *value)
{
    bytes_add_char(w->out, '"');
    base64_write((struct span){(const char *)value->data, value->len}, w->out);
    bytes_add_char(w->out, '"');
}

static bool write_value(struct writer *w, const struct shape_field *field, const struct path *path,
                        const char *place)
{
    switch (field->kind) {
    case SHAPE_INT32:
        bytes_printf(w->out, "%d", AT(int32_t, place));
        return true;
    case SHAPE_UINT32:
        bytes_printf(w->out, "%u", AT(uint32_t, place));
        return true;
    case SHAPE_INT64:
        bytes_printf(w->out, "\"%lld\"", (long long)AT(int64_t, place));
        return true;
    case SHAPE_UINT64:
        bytes_printf(w->out, "\"%llu\"", (unsigned long long)AT(uint64_t, place));
        return true;
    case SHAPE_FLOAT:
        write_float(w, AT(float, place));
        return true;
    case SHAPE_DOUBLE:
        write_double(w, AT(double, place));
        return true;
    case SHAPE_BOOL:
        bytes_add_text(w->out, AT(protobuf_c_boolean, place) ? "true" : "false");
        return true;
    case SHAPE_ENUM:
        write_enum(w, field, AT(int, place));
        return true;
    case SHAPE_STRING:
        return write_text(w, path, AT(char *, place));
    case SHAPE_BYTES:
        write_bytes(w, &AT(ProtobufCBinaryData, place));
        return true;
    default:
        return write_message(w, field->of, path, AT(char *, place));
    }
}

/* --- fields --- */

static bool write_list(struct writer *w, const struct shape_field *field, const struct path *path,
                       const char *base)
{
    size_t count = AT(size_t, base + field->chooser);
    const char *values = AT(char *, base + field->offset);
    struct path element = {.up = path};
    bool first = true;

    open_bracket(w, '[');
    for (; element.index < count; element.index++) {
        part(w, &first);
        if (!write_value(w, field, &element, values + element.index * field->size))
            return false;
    }
    close_bracket(w, ']', count == 0);
    return true;
}

/* Every key of JSON is a text: a number gets quotes, and a 64-bit one has them already. */
static bool write_key(struct writer *w, const struct shape_field *key, const struct path *path,
                      const char *place)
{
    bool bare = key->kind == SHAPE_INT32 || key->kind == SHAPE_UINT32 || key->kind == SHAPE_BOOL;

    if (bare)
        bytes_add_char(w->out, '"');
    if (!write_value(w, key, path, place))
        return false;
    bytes_add_text(w->out, bare ? "\": " : ": ");
    return true;
}

static bool write_map(struct writer *w, const struct shape_field *field, const struct path *path,
                      const char *base)
{
    size_t count = AT(size_t, base + field->chooser);
    const char *const *entries = AT(char **, base + field->offset);
    const struct shape_field *key = &field->of->fields[0];
    const struct shape_field *value = &field->of->fields[1];
    bool first = true;

    open_bracket(w, '{');
    for (size_t i = 0; i < count; i++) {
        part(w, &first);
        if (!write_key(w, key, path, entries[i] + key->offset) ||
            !write_value(w, value, path, entries[i] + value->offset))
            return false;
    }
    close_bracket(w, '}', count == 0);
    return true;
}

static bool write_field(struct writer *w, const struct shape_field *field, const struct path *up,
                        const char *base)
{
    struct path path = {.up = up, .name = field->name};

    bytes_add_char(w->out, '"');
    camel_from_snake(field->name, w->out);
    bytes_add_text(w->out, "\": ");
    if (field->count == SHAPE_LIST)
        return write_list(w, field, &path, base);
    if (field->count == SHAPE_MAP)
        return write_map(w, field, &path, base);
    return write_value(w, field, &path, base + field->offset);
}

static bool write_fields(struct writer *w, const struct shape *shape, const struct path *path,
                         const char *base, bool *first)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        if (!shape_is_set(&shape->fields[i], base))
            continue;
        part(w, first);
        if (!write_field(w, &shape->fields[i], path, base))
            return false;
    }
    return true;
}

/* --- messages --- */

static bool write_time(struct writer *w, const struct shape *shape, const struct path *path,
                       const Gpb__Duration *time)
{
    bool duration = shape->form == SHAPE_OF_DURATION;

    bytes_add_char(w->out, '"');
    if (!(duration ? duration_write : timestamp_write)(time->seconds, time->nanos, w->out))
        return path_error(path, w->err, ERROR_MALFORMED, "no such time");
    bytes_add_char(w->out, '"');
    return true;
}

static void write_mask(struct writer *w, const Gpb__FieldMask *mask)
{
    struct bytes text = {0};

    for (size_t i = 0; i < mask->n_paths; i++) {
        if (i > 0)
            bytes_add_char(&text, ',');
        camel_from_snake(span_of(mask->paths[i]), &text);
    }
    json_add_text(w->out, (struct span){bytes_text(&text), text.size});
    bytes_release(&text);
}

/* The fields of a held message stand beside "@type"; what cannot be read here stays in base64. */
static bool write_any(struct writer *w, const struct path *path, const Gpb__Any *any)
{
    const char *name = strrchr(any->type_url, '/');
    const ProtobufCMessageDescriptor *type = name ? proto_find(span_of(name + 1)) : NULL;
    struct arena arena = {.limit = PROTO_MEMORY_MAX};
    struct error unread = {0};
    bool first = true;
    const char *held = NULL;

    open_bracket(w, '{');
    part(w, &first);
    bytes_add_text(w->out, "\"@type\": ");
    bool good = write_text(w, path, any->type_url);
    if (type)
        held = proto_unpack(type, (struct span){(const char *)any->value.data, any->value.len},
                            &arena, &unread);
    if (good && held && shape_of(type)->form == SHAPE_PLAIN) {
        good = write_fields(w, shape_of(type), path, held, &first);
    } else if (good) {
        part(w, &first);
        bytes_add_text(w->out, "\"value\": ");
        if (held)
            good = write_message(w, shape_of(type), path, held);
        else
            write_bytes(w, &any->value);
    }
    close_bracket(w, '}', false);
    arena_release(&arena);
    return good;
}

static bool write_form(struct writer *w, const struct shape *shape, const struct path *path,
                       const char *base)
{
    bool first = true;

    switch (shape->form) {
    case SHAPE_OF_DURATION:
    case SHAPE_OF_TIMESTAMP:
        return write_time(w, shape, path, (const Gpb__Duration *)base);
    case SHAPE_OF_FIELD_MASK:
        write_mask(w, (const Gpb__FieldMask *)base);
        return true;
    case SHAPE_OF_ANY:
        return write_any(w, path, (const Gpb__Any *)base);
    case SHAPE_OF_WRAPPER:
        return write_value(w, &shape->fields[0], path, base + shape->fields[0].offset);
    case SHAPE_PLAIN:
        break;
    }
    open_bracket(w, '{');
    if (!write_fields(w, shape, path, base, &first))
        return false;
    close_bracket(w, '}', first);
    return true;
}

/* An unset message, which only a list or a map can hold, is an empty one. */
static bool write_message(struct writer *w, const struct shape *shape, const struct path *path,
                          const char *base)
{
    if (w->depth > 2 * PROTO_DEPTH_MAX)
        return path_error(path, w->err, ERROR_LIMIT, "messages nested too deep");
    if (base)
        return write_form(w, shape, path, base);
    bytes_add_text(w->out, "{}");
    return true;
}

bool protojson_write(const void *message, struct bytes *out, struct error *err)
{
    const ProtobufCMessage *top = message;
    struct writer w = {.out = out, .err = err};
    size_t start = out->size;

    if (write_message(&w, shape_of(top->descriptor), NULL, message)) {
        bytes_add_char(out, '\n');
        return true;
    }
    bytes_cut(out, start);
    return false;
}

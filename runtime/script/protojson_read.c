/*
 * proto3 JSON -> message, straight from the scanner's tokens into the arena. Lists grow on a stack
 * of bytes that all levels share and are copied to the arena whole.
 */
#include "script/protojson.h"

#include <ctype.h>

#include "script/protojson_scalar.h"
#include "script/protojson_text.h"

static bool read_message(struct protojson_reader *r, const struct shape *shape,
                         const struct path *path, ProtobufCMessage **out);

static bool next(struct protojson_reader *r)
{
    return json_scan_next(r->scan, &r->token, r->err);
}

/* The value that the last token begins. */
static bool read_value(struct protojson_reader *r, const struct shape_field *field,
                       const struct path *path, union protojson_value *value)
{
    if (field->of) {
        *value = (union protojson_value){
            .bytes = {0, NULL}
        };
        return read_message(r, field->of, path, &value->message);
    }
    return protojson_scalar(r, field, path, value);
}

/* Takes what was pushed since `start` from the stack into the arena. */
static bool settle_list(struct protojson_reader *r, const struct shape_field *field,
                        const struct path *path, size_t start, char *base)
{
    size_t bytes = r->stack.size - start;
    size_t count = bytes / field->size;
    char *values = protojson_take(r, path, bytes);

    if (!values)
        return false;
    if (bytes)
        memcpy(values, r->stack.data + start, bytes);
    bytes_cut(&r->stack, start);
    memcpy(base + field->chooser, &count, sizeof count);
    memcpy(base + field->offset, &values, sizeof values);
    return true;
}

static bool read_list(struct protojson_reader *r, const struct shape_field *field,
                      const struct path *path, char *base)
{
    struct path element = {.up = path};
    size_t start = r->stack.size;
    union protojson_value value;

    if (r->token.kind != JSON_ARRAY)
        return protojson_expected(r, path, "a list");
    for (;; element.index++) {
        if (!next(r))
            return false;
        if (r->token.kind == JSON_ARRAY_END)
            return settle_list(r, field, path, start, base);
        if (!read_value(r, field, &element, &value))
            return false;
        bytes_add(&r->stack, &value, field->size);
    }
}

/* The key that the last token is, and the value behind it. */
static bool read_entry(struct protojson_reader *r, const struct shape *shape,
                       const struct path *path, char *entry)
{
    const struct shape_field *key = &shape->fields[0];
    const struct shape_field *field = &shape->fields[1];
    struct path element = {.up = path, .name = r->token.text};
    union protojson_value value;

    r->token.kind = JSON_TEXT;
    if (!read_value(r, key, &element, &value))
        return false;
    memcpy(entry + key->offset, &value, key->size);
    if (!next(r) || !read_value(r, field, &element, &value))
        return false;
    memcpy(entry + field->offset, &value, field->size);
    return true;
}

static bool read_map(struct protojson_reader *r, const struct shape_field *field,
                     const struct path *path, char *base)
{
    size_t start = r->stack.size;

    if (r->token.kind != JSON_OBJECT)
        return protojson_expected(r, path, "an object");
    for (;;) {
        if (!next(r))
            return false;
        if (r->token.kind == JSON_OBJECT_END)
            return settle_list(r, field, path, start, base);
        char *entry = protojson_take(r, path, field->of->type->sizeof_message);
        if (!entry)
            return false;
        proto_init(field->of->type, entry);
        if (!read_entry(r, field->of, path, entry))
            return false;
        bytes_add(&r->stack, &entry, sizeof entry);
    }
}

/* --- messages --- */

static const struct shape_field *find_field(struct protojson_reader *r, const struct shape *shape)
{
    const struct shape_field *field = shape_field(shape, protojson_meaning(r));

    if (field)
        return field;
    bytes_clear(&r->scratch);
    snake_from_camel(protojson_meaning(r), &r->scratch);
    return shape_field(shape, bytes_span(&r->scratch));
}

static bool read_field(struct protojson_reader *r, const struct shape *shape, const struct path *up,
                       char *base)
{
    const struct shape_field *field = find_field(r, shape);
    struct path path = {.up = up, .name = r->token.text};
    union protojson_value value;

    if (!next(r))
        return false;
    if (!field)
        return json_scan_skip(r->scan, &r->token, r->err);
    if (r->token.kind == JSON_NULL)
        return true;
    if (field->count == SHAPE_LIST)
        return read_list(r, field, &path, base);
    if (field->count == SHAPE_MAP)
        return read_map(r, field, &path, base);
    if (field->oneof) {
        uint32_t *chosen = (uint32_t *)(base + field->chooser);
        if (*chosen && *chosen != field->field->id)
            return protojson_refuse(r, &path, "another field of the same oneof is set");
        *chosen = field->field->id;
    }
    if (!read_value(r, field, &path, &value))
        return false;
    memcpy(base + field->offset, &value, field->size);
    return true;
}

static bool read_fields(struct protojson_reader *r, const struct shape *shape,
                        const struct path *path, char *base)
{
    if (r->token.kind != JSON_OBJECT)
        return protojson_expected(r, path, "an object");
    for (;;) {
        if (!next(r))
            return false;
        if (r->token.kind == JSON_OBJECT_END)
            return true;
        if (!read_field(r, shape, path, base))
            return false;
    }
}

/* Durations and timestamps have the same two fields. */
static bool read_time(struct protojson_reader *r, const struct shape *shape,
                      const struct path *path, char *base)
{
    Gpb__Duration *time = (Gpb__Duration *)base;
    bool duration = shape->form == SHAPE_OF_DURATION;

    if (r->token.kind != JSON_TEXT || !(duration ? duration_read : timestamp_read)(
                                          protojson_meaning(r), &time->seconds, &time->nanos))
        return protojson_expected(r, path,
                                  duration ? "a duration like \"1.5s\""
                                           : "a time like \"2026-11-24T06:07:49.123Z\"");
    return true;
}

/* Paths in camelCase, as proto3 JSON has them: what else there may be would not come back the same.
 */
static bool is_mask(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!isalnum((unsigned char)text.data[i]) && text.data[i] != '.' && text.data[i] != ',')
            return false;
    return true;
}

static bool read_mask(struct protojson_reader *r, const struct path *path, Gpb__FieldMask *mask)
{
    size_t count = 1;

    if (r->token.kind != JSON_TEXT || !is_mask(protojson_meaning(r)))
        return protojson_expected(r, path, "a field mask like \"userId,profile.name\"");
    bytes_clear(&r->scratch);
    snake_from_camel(protojson_meaning(r), &r->scratch);
    for (const char *p = bytes_text(&r->scratch); *p; p++)
        count += *p == ',';
    char *text = protojson_take(r, path, r->scratch.size + 1);
    const char **paths = protojson_take(r, path, count * sizeof *paths);
    if (!text || !paths)
        return false;
    memcpy(text, bytes_text(&r->scratch), r->scratch.size + 1);
    mask->paths = paths;
    for (char *save, *one = strtok_r(text, ",", &save); one; one = strtok_r(NULL, ",", &save))
        paths[mask->n_paths++] = one;
    return true;
}

/* --- Any: the message's fields beside "@type", or under "value" when it has a form of its own ---
 */

/* In the object that the last token began, goes to the value of this key. */
static bool seek(struct protojson_reader *r, const char *key)
{
    for (;;) {
        if (!next(r) || r->token.kind == JSON_OBJECT_END)
            return false;
        bool hit = span_equal(r->token.text, span_of(key));
        if (!next(r))
            return false;
        if (hit)
            return true;
        if (!json_scan_skip(r->scan, &r->token, r->err))
            return false;
    }
}

/* The message that an Any holds, its object begun by the last token. */
static bool read_held(struct protojson_reader *r, const struct path *path, Gpb__Any *any,
                      ProtobufCMessage **held)
{
    const struct json_scan begin = *r->scan;
    const struct json_token object = r->token;
    union protojson_value url;

    if (!seek(r, "@type"))
        return protojson_expected(r, path, "an object with \"@type\"");
    if (!protojson_scalar(r, &shape_of(any->base.descriptor)->fields[0], path, &url))
        return false;
    any->type_url = url.text;
    const char *name = strrchr(any->type_url, '/');
    const ProtobufCMessageDescriptor *type = name ? proto_find(span_of(name + 1)) : NULL;
    if (!type)
        return protojson_refuse(r, path, "\"@type\" is no message of this build");
    *r->scan = begin;
    r->token = object;
    if (shape_of(type)->form != SHAPE_PLAIN && !seek(r, "value"))
        return protojson_expected(r, path, "an object with \"value\"");
    return read_message(r, shape_of(type), path, held);
}

static bool read_any(struct protojson_reader *r, const struct path *path, Gpb__Any *any)
{
    struct json_scan begin = *r->scan;
    struct json_token object = r->token;
    ProtobufCMessage *held;

    if (object.kind != JSON_OBJECT)
        return protojson_expected(r, path, "an object");
    if (!read_held(r, path, any, &held))
        return false;
    bytes_clear(&r->scratch);
    proto_pack(held, &r->scratch);
    any->value.len = r->scratch.size;
    any->value.data = protojson_take(r, path, r->scratch.size + 1);
    if (!any->value.data)
        return false;
    memcpy(any->value.data, bytes_text(&r->scratch), r->scratch.size);
    *r->scan = begin;
    r->token = object;
    return json_scan_skip(r->scan, &r->token, r->err);
}

static bool read_form(struct protojson_reader *r, const struct shape *shape,
                      const struct path *path, char *base)
{
    union protojson_value value;

    switch (shape->form) {
    case SHAPE_OF_DURATION:
    case SHAPE_OF_TIMESTAMP:
        return read_time(r, shape, path, base);
    case SHAPE_OF_FIELD_MASK:
        return read_mask(r, path, (Gpb__FieldMask *)base);
    case SHAPE_OF_ANY:
        return read_any(r, path, (Gpb__Any *)base);
    case SHAPE_OF_WRAPPER:
        if (!read_value(r, &shape->fields[0], path, &value))
            return false;
        memcpy(base + shape->fields[0].offset, &value, shape->fields[0].size);
        return true;
    case SHAPE_PLAIN:
        break;
    }
    return read_fields(r, shape, path, base);
}

static bool read_message(struct protojson_reader *r, const struct shape *shape,
                         const struct path *path, ProtobufCMessage **out)
{
    char *base;

    if (r->depth == PROTO_DEPTH_MAX) {
        protojson_refuse(r, path, "messages nested too deep");
        r->err->kind = ERROR_LIMIT;
        return false;
    }
    base = protojson_take(r, path, shape->type->sizeof_message);
    if (!base)
        return false;
    proto_init(shape->type, base);
    r->depth++;
    if (!read_form(r, shape, path, base))
        return false;
    r->depth--;
    *out = (ProtobufCMessage *)base;
    return true;
}

bool protojson_read_next(struct json_scan *scan, const ProtobufCMessageDescriptor *type,
                         struct arena *arena, ProtobufCMessage **out, struct error *err)
{
    struct protojson_reader r = {.scan = scan, .arena = arena, .err = err};
    bool good = next(&r) && read_message(&r, shape_of(type), NULL, out);

    bytes_release(&r.text);
    bytes_release(&r.scratch);
    bytes_release(&r.stack);
    return good;
}

bool protojson_read(struct span text, const ProtobufCMessageDescriptor *type, struct arena *arena,
                    ProtobufCMessage **out, struct error *err)
{
    struct json_scan scan;
    struct json_token end;

    json_scan_start(&scan, text);
    return protojson_read_next(&scan, type, arena, out, err) && json_scan_next(&scan, &end, err);
}

#include "proto/proto.h"

#include <stdlib.h>

#include "base/path.h"
#include "base/utf8.h"

void *proto_new(const ProtobufCMessageDescriptor *type, struct arena *arena)
{
    void *message = arena_alloc(arena, type->sizeof_message);

    type->message_init(message);
    return message;
}

void proto_init(const ProtobufCMessageDescriptor *type, void *place)
{
    type->message_init(place);
}

/* --- unpack: first a walk over the wire that cannot recurse, then protobuf-c, which does --- */

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

enum { FIELD_NUMBER_MAX = (1 << 29) - 1 };

/* One level of the walk: the message that ends at `end`. */
struct level {
    const ProtobufCMessageDescriptor *type;
    const uint8_t *end;
};

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* Passes one field; *size is what a field of bytes holds, 0 for the others. */
static bool read_field(const uint8_t **at, const uint8_t *end, uint64_t *key, uint64_t *size)
{
    uint64_t varint;

    *size = 0;
    if (!read_varint(at, end, key) || *key >> 3 == 0 || *key >> 3 > FIELD_NUMBER_MAX)
        return false;
    switch (*key & 7) {
    case WIRE_VARINT:
        return read_varint(at, end, &varint);
    case WIRE_64:
    case WIRE_32:
        varint = (*key & 7) == WIRE_64 ? 8 : 4;
        if ((size_t)(end - *at) < varint)
            return false;
        *at += varint;
        return true;
    case WIRE_BYTES:
        return read_varint(at, end, size) && *size <= (size_t)(end - *at);
    default:
        return false;
    }
}

static bool check_depth(const ProtobufCMessageDescriptor *type, struct span packed,
                        struct error *err)
{
    const uint8_t *at = (const uint8_t *)packed.data;
    struct level levels[PROTO_DEPTH_MAX] = {
        {type, at + packed.size}
    };
    size_t depth = 0;

    for (;;) {
        if (at == levels[depth].end) {
            if (depth-- == 0)
                return true;
            continue;
        }
        uint64_t key;
        uint64_t size;
        if (!read_field(&at, levels[depth].end, &key, &size))
            return error_set(err, ERROR_MALFORMED, "%s: not such a message: byte %td is wrong",
                             type->name, at - (const uint8_t *)packed.data);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(levels[depth].type, (unsigned)(key >> 3));
        if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE || (key & 7) != WIRE_BYTES) {
            at += size;
            continue;
        }
        if (++depth == PROTO_DEPTH_MAX)
            return error_set(err, ERROR_LIMIT, "%s: messages nested more than %d deep", type->name,
                             PROTO_DEPTH_MAX);
        levels[depth] = (struct level){field->descriptor, at + size};
    }
}

/* What protobuf-c allocates from: it gives up, and so does unpack, at the first refusal. */
struct ration {
    struct arena *arena;
    size_t left;
    bool refused;
};

static void *ration_alloc(void *user, size_t size)
{
    struct ration *ration = user;
    void *place = size <= ration->left ? arena_try(ration->arena, size) : NULL;

    if (place)
        ration->left -= size;
    else
        ration->refused = true;
    return place;
}

static void ration_free(void *user, void *place)
{
    (void)user;
    (void)place;
}

void *proto_unpack(const ProtobufCMessageDescriptor *type, struct span packed, struct arena *arena,
                   struct error *err)
{
    struct ration ration = {.arena = arena, .left = PROTO_MEMORY_MAX};
    ProtobufCAllocator allocator = {ration_alloc, ration_free, &ration};

    if (packed.size > PROTO_SIZE_MAX) {
        error_set(err, ERROR_LIMIT, "%s: %zu bytes, more than %d", type->name, packed.size,
                  PROTO_SIZE_MAX);
        return NULL;
    }
    if (packed.size == 0)
        packed = SPAN("");
    if (!check_depth(type, packed, err))
        return NULL;
    void *message =
        protobuf_c_message_unpack(type, &allocator, packed.size, (const uint8_t *)packed.data);
    if (!message && ration.refused)
        error_set(err, ERROR_LIMIT, "%s: %zu bytes need more memory than they may take", type->name,
                  packed.size);
    else if (!message)
        error_set(err, ERROR_MALFORMED, "%s: not such a message", type->name);
    return message;
}

void proto_pack(const void *message, struct bytes *out)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    char *place = bytes_reserve(out, size);
    bytes_added(out, protobuf_c_message_pack(message, (uint8_t *)place));
}

/* --- the check of strings --- */

static bool check_message(const ProtobufCMessage *message, const struct path *path, size_t depth,
                          struct error *err);

/* The value at place, which the path leads to. */
static bool check_value(const ProtobufCFieldDescriptor *field, const char *place,
                        const struct path *path, size_t depth, struct error *err)
{
    const ProtobufCMessage *message;
    const char *text;

    if (field->type == PROTOBUF_C_TYPE_STRING) {
        memcpy(&text, place, sizeof text);
        return utf8_valid(span_of(text)) || path_error(path, err, ERROR_MALFORMED, "not UTF-8");
    }
    memcpy(&message, place, sizeof message);
    if (!message)
        return true;
    if (depth == PROTO_DEPTH_MAX)
        return path_error(path, err, ERROR_LIMIT, "messages nested more than %d deep",
                          PROTO_DEPTH_MAX);
    return check_message(message, path, depth + 1, err);
}

static bool check_field(const char *base, const ProtobufCFieldDescriptor *field,
                        const struct path *path, size_t depth, struct error *err)
{
    const char *place = base + field->offset;

    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
        *(const int *)(base + field->quantifier_offset) != (int)field->id)
        return true;
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return check_value(field, place, path, depth, err);

    size_t count = *(const size_t *)(base + field->quantifier_offset);
    place = *(const char *const *)place;
    for (size_t i = 0; i < count; i++) {
        struct path element = {.up = path, .index = i};
        if (!check_value(field, place + i * sizeof(char *), &element, depth, err))
            return false;
    }
    return true;
}

static bool check_message(const ProtobufCMessage *message, const struct path *path, size_t depth,
                          struct error *err)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        struct path step = {.up = path, .name = span_of(field->name)};
        if (!check_field((const char *)message, field, &step, depth, err))
            return false;
    }
    return true;
}

bool proto_check_utf8(const void *message, struct error *err)
{
    return check_message(message, NULL, 1, err);
}

/* --- what there is, by name --- */

static int compare_name(const void *key, const void *entry)
{
    const struct span *name = key;
    const char *other = (*(const ProtobufCMessageDescriptor *const *)entry)->name;
    int order = strncmp(name->data, other, name->size);
    return order ? order : -(int)(unsigned char)other[name->size];
}

const ProtobufCMessageDescriptor *proto_find(struct span full_name)
{
    if (full_name.size == 0 || memchr(full_name.data, 0, full_name.size))
        return NULL;
    const ProtobufCMessageDescriptor *const *found = bsearch(
        &full_name, proto_registry, proto_registry_size, sizeof *proto_registry, compare_name);
    return found ? *found : NULL;
}

static const ProtobufCServiceDescriptor *const services[] = {
    &tpb__workflowservice__workflow_service__descriptor,
    &tpb__operatorservice__operator_service__descriptor,
    &grpc__health__health__descriptor,
};

bool proto_method_find(struct span name, struct proto_method *method)
{
    char text[128];
    size_t service_size = 0;
    const char *service = NULL;

    if (name.size >= sizeof text)
        return false;
    memcpy(text, name.data, name.size);
    text[name.size] = 0;
    char *slash = text[0] == '/' ? strchr(text + 1, '/') : NULL;
    if (slash) {
        *slash = 0;
        service = text + 1;
        service_size = (size_t)(slash + 1 - text);
    }
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (service && strcmp(service, services[i]->name) != 0)
            continue;
        const ProtobufCMethodDescriptor *found =
            protobuf_c_service_descriptor_get_method_by_name(services[i], text + service_size);
        if (!found)
            continue;
        *method =
            (struct proto_method){services[i]->name, found->name, found->input, found->output};
        return true;
    }
    return false;
}

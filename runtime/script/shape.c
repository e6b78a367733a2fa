#include "script/shape.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "proto/proto.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct shape *shapes;  /* one for each of proto_registry, in its order */
static struct map by_pointer; /* descriptor -> its shape */

/* Field names are alike at their ends and differ in length and in the middle. */
static size_t hash_name(struct span name)
{
    const size_t factor = 0x9e3779b97f4a7c15u;
    uint64_t first = 0;
    uint64_t middle = 0;
    uint64_t last = 0;

    if (name.size >= 8) {
        memcpy(&first, name.data, 8);
        memcpy(&middle, name.data + name.size / 2 - 4, 8);
        memcpy(&last, name.data + name.size - 8, 8);
    } else {
        for (size_t i = 0; i < name.size; i++)
            first = first << 8 | (unsigned char)name.data[i];
    }
    uint64_t hash = (first + name.size) * factor;
    hash = ((hash >> 29) ^ hash ^ middle) * factor;
    hash = ((hash >> 29) ^ hash ^ last) * factor;
    return hash >> 32;
}

static enum shape_kind kind_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return SHAPE_INT32;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return SHAPE_UINT32;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return SHAPE_INT64;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return SHAPE_UINT64;
    case PROTOBUF_C_TYPE_FLOAT:
        return SHAPE_FLOAT;
    case PROTOBUF_C_TYPE_DOUBLE:
        return SHAPE_DOUBLE;
    case PROTOBUF_C_TYPE_BOOL:
        return SHAPE_BOOL;
    case PROTOBUF_C_TYPE_ENUM:
        return SHAPE_ENUM;
    case PROTOBUF_C_TYPE_STRING:
        return SHAPE_STRING;
    case PROTOBUF_C_TYPE_BYTES:
        return SHAPE_BYTES;
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    if (field->descriptor == &gpb__duration__descriptor)
        return SHAPE_DURATION;
    if (field->descriptor == &gpb__timestamp__descriptor)
        return SHAPE_TIMESTAMP;
    return SHAPE_MESSAGE;
}

static size_t size_of(enum shape_kind kind)
{
    switch (kind) {
    case SHAPE_INT32:
    case SHAPE_UINT32:
    case SHAPE_FLOAT:
    case SHAPE_ENUM:
        return 4;
    case SHAPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case SHAPE_INT64:
    case SHAPE_UINT64:
    case SHAPE_DOUBLE:
        return 8;
    case SHAPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return sizeof(void *);
    }
}

/* protoc makes for `map<K, V> name` a list of messages NameEntry with exactly key = 1, value = 2.
 */
static bool is_map(const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    size_t size;

    if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label != PROTOBUF_C_LABEL_REPEATED)
        return false;
    size = strlen(entry->short_name);
    return size > 5 && strcmp(entry->short_name + size - 5, "Entry") == 0 && entry->n_fields == 2 &&
           entry->fields[0].id == 1 && entry->fields[1].id == 2 &&
           strcmp(entry->fields[0].name, "key") == 0 && strcmp(entry->fields[1].name, "value") == 0;
}

static void make_field(struct shape_field *out, const ProtobufCFieldDescriptor *field)
{
    out->field = field;
    out->name = span_of(field->name);
    out->kind = kind_of(field);
    out->oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    out->offset = field->offset;
    out->chooser = field->quantifier_offset;
    out->size = size_of(out->kind);
    out->count = SHAPE_ONE;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        out->count = is_map(field) ? SHAPE_MAP : SHAPE_LIST;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        out->of = map_get(&by_pointer, (uintptr_t)field->descriptor);
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        out->values = field->descriptor;
}

static void make_shape(struct shape *shape)
{
    const ProtobufCMessageDescriptor *type = shape->type;
    struct shape_field *fields = memory_new((type->n_fields + 1) * sizeof *fields);
    size_t room = 4;

    while (room < 2 * (size_t)type->n_fields)
        room *= 2;
    shape->slots = memory_new(room * sizeof *shape->slots);
    shape->slot_mask = room - 1;
    shape->fields = fields;
    shape->field_count = type->n_fields;
    for (unsigned i = 0; i < type->n_fields; i++) {
        make_field(&fields[i], &type->fields[i]);
        size_t slot = hash_name(fields[i].name) & shape->slot_mask;
        while (shape->slots[slot])
            slot = (slot + 1) & shape->slot_mask;
        shape->slots[slot] = &fields[i];
    }
}

static enum shape_form form_of(const ProtobufCMessageDescriptor *type)
{
    size_t size = strlen(type->short_name);

    if (strncmp(type->name, "google.protobuf.", 16) != 0)
        return SHAPE_PLAIN;
    if (type == &gpb__duration__descriptor)
        return SHAPE_OF_DURATION;
    if (type == &gpb__timestamp__descriptor)
        return SHAPE_OF_TIMESTAMP;
    if (type == &gpb__field_mask__descriptor)
        return SHAPE_OF_FIELD_MASK;
    if (type == &gpb__any__descriptor)
        return SHAPE_OF_ANY;
    return size > 5 && strcmp(type->short_name + size - 5, "Value") == 0 ? SHAPE_OF_WRAPPER
                                                                         : SHAPE_PLAIN;
}

/* Parts the fields of oneofs from the others. */
static void sort_out(struct shape *shape)
{
    size_t *oneofs = memory_new((shape->field_count + 1) * sizeof *oneofs);

    shape->plain = memory_new((shape->field_count + 1) * sizeof *shape->plain);
    shape->oneofs = oneofs;
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct shape_field *field = &shape->fields[i];
        size_t known = 0;
        if (!field->oneof) {
            shape->plain[shape->plain_count++] = field;
            continue;
        }
        while (known < shape->oneof_count && oneofs[known] != field->chooser)
            known++;
        if (known == shape->oneof_count)
            oneofs[shape->oneof_count++] = field->chooser;
    }
    if (shape->plain_count > SHAPE_PLAIN_MAX) {
        fprintf(stderr, "signalroom: %s has more than %d fields\n", shape->type->name,
                SHAPE_PLAIN_MAX);
        abort();
    }
}

static void make_shapes(void)
{
    shapes = memory_new(proto_registry_size * sizeof *shapes);
    for (size_t i = 0; i < proto_registry_size; i++) {
        shapes[i].type = proto_registry[i];
        shapes[i].form = form_of(proto_registry[i]);
        map_put(&by_pointer, (uintptr_t)proto_registry[i], &shapes[i]);
    }
    for (size_t i = 0; i < proto_registry_size; i++) {
        make_shape(&shapes[i]);
        sort_out(&shapes[i]);
    }
}

const struct shape *shape_of(const ProtobufCMessageDescriptor *type)
{
    pthread_once(&once, make_shapes);
    return map_get(&by_pointer, (uintptr_t)type);
}

const struct shape_field *shape_field(const struct shape *shape, struct span name)
{
    const struct shape_field *field;

    for (size_t slot = hash_name(name);; slot++) {
        field = shape->slots[slot & shape->slot_mask];
        if (!field ||
            (field->name.size == name.size && memcmp(field->name.data, name.data, name.size) == 0))
            return field;
    }
}

/* --- the nearest name, for errors --- */

enum { NAME_MAX_SIZE = 96 };

/* How many letters must be put in, taken out or replaced to make one name of the other. */
static size_t distance(struct span a, struct span b)
{
    size_t row[NAME_MAX_SIZE + 1];

    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t best = corner + (a.data[i - 1] != b.data[j - 1]);
            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.size];
}

/* Keeps the candidate when it is the nearest so far, and near at all. */
static void consider(struct span name, const char *candidate, size_t *best, const char **nearest)
{
    struct span other = span_of(candidate);
    size_t d;

    if (name.size > NAME_MAX_SIZE || other.size > NAME_MAX_SIZE)
        return;
    d = distance(name, other);
    if (d < *best && d <= 1 + other.size / 3) {
        *best = d;
        *nearest = candidate;
    }
}

const char *shape_nearest_field(const struct shape *shape, struct span name)
{
    size_t best = SIZE_MAX;
    const char *nearest = NULL;

    for (size_t i = 0; i < shape->field_count; i++)
        consider(name, shape->fields[i].name.data, &best, &nearest);
    return nearest;
}

const char *shape_nearest_value(const ProtobufCEnumDescriptor *values, struct span name)
{
    size_t best = SIZE_MAX;
    const char *nearest = NULL;

    for (unsigned i = 0; i < values->n_values; i++)
        consider(name, values->values[i].name, &best, &nearest);
    return nearest;
}

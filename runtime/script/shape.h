/*
 * What Lua and JSON need to know of each message type, worked out once per process: its fields by
 * name in one hash step, and for each field what kind of value it holds and how many.
 *
 * A map is a list of entry messages to protobuf-c, whose descriptors do not mark it; it is known by
 * its form. Shapes are never changed once made, and any thread reads them.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/bytes.h"

enum shape_kind {
    SHAPE_INT32,
    SHAPE_UINT32,
    SHAPE_INT64,
    SHAPE_UINT64,
    SHAPE_FLOAT,
    SHAPE_DOUBLE,
    SHAPE_BOOL,
    SHAPE_ENUM,
    SHAPE_STRING,
    SHAPE_BYTES,
    SHAPE_MESSAGE,
    SHAPE_DURATION,  /* google.protobuf.Duration */
    SHAPE_TIMESTAMP, /* google.protobuf.Timestamp */
};

enum shape_count { SHAPE_ONE, SHAPE_LIST, SHAPE_MAP };

/* Messages that proto3 JSON writes in a form of their own. */
enum shape_form {
    SHAPE_PLAIN,
    SHAPE_OF_DURATION,   /* "1.5s" */
    SHAPE_OF_TIMESTAMP,  /* "2026-11-24T06:07:49.123Z" */
    SHAPE_OF_FIELD_MASK, /* "pathOne,two" */
    SHAPE_OF_WRAPPER,    /* the value alone */
    SHAPE_OF_ANY,        /* the message with its "@type" */
};

struct shape_field {
    const ProtobufCFieldDescriptor *field;
    struct span name; /* as in the .proto */
    enum shape_kind kind;
    enum shape_count count;
    bool oneof;
    size_t offset;                         /* of the value, or of the pointer to the list */
    size_t chooser;                        /* of the list's size, or of the oneof's case */
    size_t size;                           /* of one value in memory */
    const struct shape *of;                /* the message's or map entry's shape */
    const ProtobufCEnumDescriptor *values; /* the enum's */
};

enum { SHAPE_PLAIN_MAX = 64 };

struct shape {
    const ProtobufCMessageDescriptor *type;
    enum shape_form form;
    size_t field_count;
    const struct shape_field *fields; /* in order of number */
    size_t plain_count;
    const struct shape_field **plain; /* those in no oneof; at most SHAPE_PLAIN_MAX */
    size_t oneof_count;
    const size_t *oneofs;             /* each one's chooser */
    const struct shape_field **slots; /* by hash of name; NULL: free */
    size_t slot_mask;
};

/* The shape of any message type of this build. */
const struct shape *shape_of(const ProtobufCMessageDescriptor *type);

/* The field called so, NULL when there is none. */
const struct shape_field *shape_field(const struct shape *shape, struct span name);

/* The field with this number, which must exist. */
static inline const struct shape_field *shape_numbered(const struct shape *shape, uint32_t number)
{
    return &shape->fields[protobuf_c_message_descriptor_get_field(shape->type, number) -
                          shape->type->fields];
}

/* The field or enum value whose name is most like this one, NULL when none is near. For errors. */
const char *shape_nearest_field(const struct shape *shape, struct span name);
const char *shape_nearest_value(const ProtobufCEnumDescriptor *values, struct span name);

/* Whether the field is to be shown: a list or map that is not empty, the chosen member of a oneof,
 * any other value that is not zero. */
static inline bool shape_is_set(const struct shape_field *field, const char *message)
{
    const char *place = message + field->offset;

    if (field->count != SHAPE_ONE)
        return *(const size_t *)(message + field->chooser) != 0;
    if (field->oneof)
        return *(const uint32_t *)(message + field->chooser) == field->field->id;
    switch (field->kind) {
    case SHAPE_INT64:
    case SHAPE_UINT64:
    case SHAPE_DOUBLE:
        return *(const uint64_t *)place != 0;
    case SHAPE_BOOL:
        return *(const protobuf_c_boolean *)place;
    case SHAPE_STRING:
        return *(const char *const *)place && **(const char *const *)place;
    case SHAPE_BYTES:
        return ((const ProtobufCBinaryData *)place)->len != 0;
    case SHAPE_MESSAGE:
    case SHAPE_DURATION:
    case SHAPE_TIMESTAMP:
        return *(const void *const *)place != NULL;
    default:
        return *(const uint32_t *)place != 0;
    }
}

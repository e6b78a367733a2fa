/*
 * What a reader of proto3 JSON holds, and how it reads one token as a single value. Each reader
 * looks at the last token; on failure the error tells path, line and column.
 */
#pragma once

#include "base/arena.h"
#include "base/path.h"
#include "script/json_scan.h"
#include "script/shape.h"

struct protojson_reader {
    struct json_scan *scan;
    struct json_token token; /* the last one */
    struct arena *arena;
    struct error *err;
    struct bytes text;    /* the last token's meaning, when it is not its letters */
    struct bytes scratch; /* for one value at a time */
    struct bytes stack;   /* elements of the lists being read */
    size_t depth;
};

/* "events[3].eventTime: line 40, column 20: ..." about the last token. Both return false. */
bool protojson_refuse(struct protojson_reader *r, const struct path *path, const char *why);
bool protojson_expected(struct protojson_reader *r, const struct path *path, const char *what);

/* Memory from the arena, NULL and the error when its limit is passed. */
void *protojson_take(struct protojson_reader *r, const struct path *path, size_t size);

/* What the last token, a text or key, means; valid until the next one. */
struct span protojson_meaning(struct protojson_reader *r);

/* One value in memory, whatever its kind. */
union protojson_value {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
    protobuf_c_boolean truth;
    int number;
    const char *text;
    ProtobufCBinaryData bytes;
    ProtobufCMessage *message;
};

/* A value of any kind but a message. */
bool protojson_scalar(struct protojson_reader *r, const struct shape_field *field,
                      const struct path *path, union protojson_value *value);

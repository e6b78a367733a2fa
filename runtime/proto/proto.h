/*
 * The messages of Temporal's API as C structs, and the only ways to make, read and write them.
 *
 * The .proto files beside this one are compiled at build. temporal.api.common.v1.Payload becomes
 * Tpb__Common__Payload with tpb__common__payload__descriptor; google.protobuf is Gpb, google.rpc
 * Gpb__Rpc, grpc.health.v1 Grpc__Health. A message lives in the arena it was made in: nothing is
 * freed one by one, and protobuf-c's own pack, unpack and free functions are not called elsewhere.
 *
 * What is missing is added to the .proto files by hand; tests/lint/proto_drift_test.py holds them
 * to Temporal's own names and numbers.
 *
 * Unset strings are "" and never NULL, unset messages NULL, unset bytes {0, NULL}. Unknown fields
 * and enum values that this build does not know survive unpack and pack.
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

#undef linux /* gcc's word for 1 is a field's name in worker/v1 */
#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "grpc/health/v1/health.pb-c.h"
#include "temporal/api/errordetails/v1/message.pb-c.h"
#include "temporal/api/operatorservice/v1/service.pb-c.h"
#include "temporal/api/sdk/v1/message.pb-c.h"
#include "temporal/api/workflowservice/v1/service.pb-c.h"

enum {
    PROTO_DEPTH_MAX = 100,        /* levels of messages within messages */
    PROTO_SIZE_MAX = 128 << 20,   /* bytes of one packed message */
    PROTO_MEMORY_MAX = 512 << 20, /* bytes that unpacking one message may take */
};

/* An empty message in the arena, ready for its fields:
 * `Tpb__Common__Payload *p = proto_new(&tpb__common__payload__descriptor, arena);` */
void *proto_new(const ProtobufCMessageDescriptor *type, struct arena *arena);

/* The same in memory of the caller's, type->sizeof_message bytes that need not be zero. */
void proto_init(const ProtobufCMessageDescriptor *type, void *place);

/* Unpacks bytes from outside into the arena. NULL and err: ERROR_MALFORMED when they are not such a
 * message, ERROR_LIMIT when they are too large, nested too deep, or pass the arena's limit. */
void *proto_unpack(const ProtobufCMessageDescriptor *type, struct span packed, struct arena *arena,
                   struct error *err);

/* Appends the packed message. Every string must be UTF-8: see proto_check_utf8. */
void proto_pack(const void *message, struct bytes *out);

/* False with ERROR_MALFORMED and the path of the first string field that is not UTF-8; a server
 * refuses the whole request for one such string. */
bool proto_check_utf8(const void *message, struct error *err);

/* The descriptor of "temporal.api.common.v1.Payload", NULL when this build has no such message. */
const ProtobufCMessageDescriptor *proto_find(struct span full_name);

/* Every message of this build, nested ones too, sorted by full name. */
extern const ProtobufCMessageDescriptor *const proto_registry[];
extern const size_t proto_registry_size;

/* A call of a service that this build speaks. */
struct proto_method {
    const char *service; /* "temporal.api.workflowservice.v1.WorkflowService" */
    const char *name;    /* "StartWorkflowExecution" */
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *response;
};

/* Finds a method by its name in WorkflowService or OperatorService ("StartWorkflowExecution",
 * "AddSearchAttributes") or by its full path ("/grpc.health.v1.Health/Check"). */
bool proto_method_find(struct span name, struct proto_method *method);

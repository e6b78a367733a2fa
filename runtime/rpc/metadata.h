/*
 * The headers of every call: client-name, client-version, the user's own, authorization, and the
 * request's temporal-namespace (docs/protocol.md, Headers).
 *
 * gRPC prints headers that it refuses to stderr, keys of API included, so nothing illegal may reach
 * it: all is checked here first, and an error names the header, never its value.
 */
#pragma once

#include <grpc/grpc.h>

#include "base/bytes.h"
#include "base/error.h"
#include "rpc/config.h"

struct metadata {
    grpc_metadata *items;
    size_t count;
    bool names_space; /* the user set temporal-namespace */
};

bool metadata_build(struct metadata *out, const struct rpc_config *config, struct error *err);
void metadata_release(struct metadata *m);

/* False when this namespace cannot be the value of a header. */
bool metadata_space_is_legal(struct span space);

/* What one attempt sends: the fixed headers, and the namespace unless the user set one. */
grpc_metadata *metadata_attempt(const struct metadata *m, grpc_slice space, size_t *count);
void metadata_attempt_release(grpc_metadata *items, size_t count);

/* The value of a received header, size 0 when there is none; valid as long as the array. */
struct span metadata_find(const grpc_metadata_array *array, const char *name);

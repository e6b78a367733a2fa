/* A worker as a loop of activities sees it: it submits packed tasks, keeps what it hears, and waits
 * for that. */
#pragma once

#include "story.h"

#include "activity/activity.h"
#include "proto/proto.h"

enum { PATIENCE_MS = 120000 };

/* What a worker knows of one task. */
struct slot {
    bool finished;
    enum activity_outcome_kind kind;
    struct bytes body;
    struct bytes details; /* of the last beat */
    int beats;
    int64_t submitted_ms;
    int64_t finished_ms;
};

struct order {
    const char *type;
    const char *input; /* JSON, NULL: none */
    const char *details;
    int start_to_close_ms;
    int heartbeat_ms;
};

/* A loop with one script, activities/story.lua, or with several. */
struct activity_loop *start(const char *script);
struct activity_loop *start_scripts(const struct script_source *sources, size_t count);
bool try_start(struct activity_loop **loop, const struct script_source *sources, size_t count,
               struct error *err);

void submit(struct activity_loop *loop, struct slot *slot, struct order order);

/* Submits, and waits for the end. */
void run(struct activity_loop *loop, struct slot *slot, const char *type, const char *input);
void clear(struct slot *slot);

void await(struct slot *slot, bool (*condition)(struct slot *slot));
bool has_finished(struct slot *slot);
bool has_beaten(struct slot *slot);

void *unpack(const ProtobufCMessageDescriptor *type, const struct bytes *packed,
             struct arena *arena);
void check_json(const Tpb__Common__Payloads *list, const char *json);
void check_result(const struct slot *slot, const char *json);

/* The result's JSON, in the arena. */
const char *result_of(const struct slot *slot, struct arena *arena);
Tpb__Failure__Failure *failure_of(const struct slot *slot, struct arena *arena);
void check_failure(const struct slot *slot, const char *type, const char *part);

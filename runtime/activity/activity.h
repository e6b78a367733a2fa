/*
 * Activities: one libuv loop thread on which Lua coroutines do I/O without blocking each other.
 *
 * The room knows neither gRPC nor Temporal's tasks beyond message tables: a task comes in packed
 * (PollActivityTaskQueueResponse), its outcome goes out packed (the Respond... request's own fields
 * but token, identity and namespace, which the worker adds).
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "script/cell.h"

struct activity_loop;

enum activity_outcome_kind {
    ACTIVITY_COMPLETED, /* body: RespondActivityTaskCompletedRequest */
    ACTIVITY_FAILED,    /* body: RespondActivityTaskFailedRequest */
    ACTIVITY_CANCELED,  /* body: RespondActivityTaskCanceledRequest */
    ACTIVITY_DROPPED,   /* nothing to send: the task is gone at the server */
};

enum activity_cancel_reason {
    ACTIVITY_CANCEL_REQUESTED,
    ACTIVITY_NOT_FOUND,
    ACTIVITY_TIMED_OUT,
    ACTIVITY_PAUSED,
    ACTIVITY_RESET,
    ACTIVITY_WORKER_SHUTDOWN,
};

struct activity_outcome {
    enum activity_outcome_kind kind;
    struct bytes body;
};

/* What the worker hears, on the loop's thread: hand on, do not block. `task` is what submit was
 * given. */
struct activity_listener {
    /* The last that is heard of the task. Its body may be taken by leaving an empty one behind. */
    void (*finished)(void *user, void *task, struct activity_outcome *outcome);
    /* details: packed temporal.api.common.v1.Payloads, empty for a bare beat. Every beat; the
     * worker throttles. */
    void (*heartbeat)(void *user, void *task, struct span details);
    void *user;
};

struct activity_options {
    const struct script_source
        *sources; /* every script under scripts/activities and scripts/reports, what they require,
                     and the reports' templates, which do not end in .lua */
    size_t source_count;
    size_t heap_limit; /* bytes of all tasks' Lua memory; 0: 1 GiB */
    size_t task_limit; /* bytes of one task's; 0: 256 MiB */
    struct activity_listener listener;
};

bool activity_loop_start(struct activity_loop **out, const struct activity_options *options,
                         struct error *err);

/* Hears of each activity that scripts define, and of its script. */
struct activity_reader {
    void (*found)(void *user, const char *name, const char *script);
    void *user;
};

/* Whether a loop would start with these scripts, and what it would know. No task runs. */
bool activity_check(const struct activity_options *options, const struct activity_reader *reader,
                    struct error *err);

/* Any thread. `packed` is a PollActivityTaskQueueResponse, copied. */
void activity_submit(struct activity_loop *loop, void *task, struct span packed);
void activity_cancel(struct activity_loop *loop, void *task, enum activity_cancel_reason reason);

/* Names of the activities that the scripts define; NULL ends the list. */
const char *const *activity_names(const struct activity_loop *loop);

/* Joins the thread. What has not finished by itself is killed and finishes as ACTIVITY_DROPPED. */
void activity_loop_stop(struct activity_loop *loop);

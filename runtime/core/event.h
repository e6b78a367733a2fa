/*
 * A history event and a command as the core sees them: what it needs to decide, and an opaque rest.
 *
 * Numbers are Temporal's (temporal.api.enums.v1.EventType, CommandType), restated here because the
 * core includes nothing but base. `attrs` is never opened. Spans point into memory that the feeder
 * keeps until the task ends; the core copies what outlives a task.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum event_type {
    EVENT_WORKFLOW_STARTED = 1,
    EVENT_WORKFLOW_COMPLETED = 2,
    EVENT_WORKFLOW_FAILED = 3,
    EVENT_WORKFLOW_TIMED_OUT = 4,
    EVENT_TASK_SCHEDULED = 5,
    EVENT_TASK_STARTED = 6,
    EVENT_TASK_COMPLETED = 7,
    EVENT_TASK_TIMED_OUT = 8,
    EVENT_TASK_FAILED = 9,
    EVENT_ACTIVITY_SCHEDULED = 10,
    EVENT_ACTIVITY_STARTED = 11,
    EVENT_ACTIVITY_COMPLETED = 12,
    EVENT_ACTIVITY_FAILED = 13,
    EVENT_ACTIVITY_TIMED_OUT = 14,
    EVENT_ACTIVITY_CANCEL_REQUESTED = 15,
    EVENT_ACTIVITY_CANCELED = 16,
    EVENT_TIMER_STARTED = 17,
    EVENT_TIMER_FIRED = 18,
    EVENT_TIMER_CANCELED = 19,
    EVENT_WORKFLOW_CANCEL_REQUESTED = 20,
    EVENT_WORKFLOW_CANCELED = 21,
    EVENT_EXTERNAL_CANCEL_INITIATED = 22,
    EVENT_EXTERNAL_CANCEL_FAILED = 23,
    EVENT_EXTERNAL_CANCEL_REQUESTED = 24,
    EVENT_MARKER_RECORDED = 25,
    EVENT_WORKFLOW_SIGNALED = 26,
    EVENT_WORKFLOW_TERMINATED = 27,
    EVENT_WORKFLOW_CONTINUED_AS_NEW = 28,
    EVENT_CHILD_INITIATED = 29,
    EVENT_CHILD_START_FAILED = 30,
    EVENT_CHILD_STARTED = 31,
    EVENT_CHILD_COMPLETED = 32,
    EVENT_CHILD_FAILED = 33,
    EVENT_CHILD_CANCELED = 34,
    EVENT_CHILD_TIMED_OUT = 35,
    EVENT_CHILD_TERMINATED = 36,
    EVENT_EXTERNAL_SIGNAL_INITIATED = 37,
    EVENT_EXTERNAL_SIGNAL_FAILED = 38,
    EVENT_EXTERNAL_SIGNALED = 39,
    EVENT_UPSERT_SEARCH_ATTRIBUTES = 40,
    EVENT_UPDATE_ACCEPTED = 41,
    EVENT_UPDATE_REJECTED = 42,
    EVENT_UPDATE_COMPLETED = 43,
    EVENT_WORKFLOW_PROPERTIES_MODIFIED_EXTERNALLY = 44,
    EVENT_ACTIVITY_PROPERTIES_MODIFIED_EXTERNALLY = 45,
    EVENT_PROPERTIES_MODIFIED = 46,
    EVENT_UPDATE_ADMITTED = 47,
    EVENT_NEXUS_SCHEDULED = 48,
    EVENT_NEXUS_STARTED = 49,
    EVENT_NEXUS_COMPLETED = 50,
    EVENT_NEXUS_FAILED = 51,
    EVENT_NEXUS_CANCELED = 52,
    EVENT_NEXUS_TIMED_OUT = 53,
    EVENT_NEXUS_CANCEL_REQUESTED = 54,
    EVENT_WORKFLOW_OPTIONS_UPDATED = 55,
    EVENT_NEXUS_CANCEL_REQUEST_COMPLETED = 56,
    EVENT_NEXUS_CANCEL_REQUEST_FAILED = 57,
    EVENT_WORKFLOW_PAUSED = 58,
    EVENT_WORKFLOW_UNPAUSED = 59,
    EVENT_TIME_SKIPPED = 60,
};

enum command_type {
    COMMAND_SCHEDULE_ACTIVITY = 1,
    COMMAND_CANCEL_ACTIVITY = 2,
    COMMAND_START_TIMER = 3,
    COMMAND_COMPLETE_WORKFLOW = 4,
    COMMAND_FAIL_WORKFLOW = 5,
    COMMAND_CANCEL_TIMER = 6,
    COMMAND_CANCEL_WORKFLOW = 7,
    COMMAND_CANCEL_EXTERNAL = 8,
    COMMAND_RECORD_MARKER = 9,
    COMMAND_CONTINUE_AS_NEW = 10,
    COMMAND_START_CHILD = 11,
    COMMAND_SIGNAL_EXTERNAL = 12,
    COMMAND_UPSERT_SEARCH_ATTRIBUTES = 13,
    COMMAND_PROTOCOL_MESSAGE = 14,
    COMMAND_MODIFY_PROPERTIES = 16,
    COMMAND_SCHEDULE_NEXUS = 17,
    COMMAND_CANCEL_NEXUS = 18,
};

/* "ActivityTaskScheduled", as the Temporal tools write it; "EventType99" for a number unknown here.
 */
const char *event_type_name(int type);

/* Whether the event confirms a command. */
bool event_confirms(int type);

/* Whether a run ends with this event. */
bool event_closes(int type);

/* How an activity answers a cancel: docs/protocol.md, Activities of a workflow. */
enum cancel_mode { CANCEL_TRY, CANCEL_WAIT_COMPLETED, CANCEL_ABANDON };

struct event {
    int64_t id;
    int type;        /* enum event_type, or a number that this build does not know */
    bool may_ignore; /* worker_may_ignore: skip when the type is unknown */
    int64_t time_ms;

    int64_t initiating_id; /* scheduled, started or initiated event id, by type; 0: none */
    struct span
        key; /* activity id, timer id, marker name, signal name, child's workflow id, update id */
    struct span name;      /* activity type, child's workflow type */
    int64_t sequencing_id; /* UPDATE_ACCEPTED: accepted_request_sequencing_event_id */

    union {
        struct { /* EVENT_TASK_STARTED */
            int64_t history_bytes;
            bool suggest_continue_as_new;
        } started;
        struct { /* EVENT_TASK_COMPLETED: flags recorded by that completion, sdk pair */
            const uint32_t *flags;
            size_t flag_count;
            struct span sdk_name;
            struct span sdk_version;
        } completed;
        struct { /* EVENT_TASK_FAILED: set when cause is RESET_WORKFLOW */
            struct span new_run_id;
        } failed;
        struct { /* EVENT_WORKFLOW_STARTED */
            struct span original_run_id;
        } workflow;
    };

    const void *attrs; /* the feeder's: never opened here */
};

/* What the script did, in the order it did it. */
struct command {
    enum command_type type;
    uint32_t seq;    /* the script's number for the entity, one counter per kind, from 1; 0: none */
    struct span key; /* activity id, timer id, marker name */
    struct span name; /* activity type */
    enum cancel_mode cancel_mode;
    int64_t
        initiating_id; /* filled by run_apply for cancels: the scheduled or started event's id */
    struct span place; /* script:line, for errors of determinism */
    const void *attrs; /* the feeder's, handed back by run_reply */
};

/* What a run is made of. For the files of this room alone. */
#pragma once

#include "core/flag.h"
#include "core/history.h"
#include "core/jobs.h"
#include "core/match.h"
#include "core/roster.h"
#include "core/run.h"

/* The server's workflow task as history tells it: task.c. */
struct task {
    uint8_t state;
    bool suggest_continue_as_new;
    int64_t started_id;
    int64_t started_ms;
    int64_t history_bytes;
};

struct run {
    struct run_task polled;
    struct run_moment moment;
    struct history history;
    struct match match;
    struct jobs jobs;           /* not answered by run_apply yet */
    bool committed;             /* as in struct run_jobs */
    const struct event *marker; /* as there */
    struct flags flags;
    struct task task;
    bool ahead;     /* the script saw events that belong to a task to come */
    uint8_t ending; /* state of ending.c */
    struct roster timers;
    struct roster activities;
    int64_t last_event;    /* applied */
    int64_t sequence_end;  /* id of the last event of the sequence at hand */
    struct error *failure; /* NULL: none. Nothing cures a failed run */
};

/*
 * Runners: the threads that work on workflow tasks. A run belongs to one runner, by hash of its run
 * id, and so do its Lua state and its place in the cache. A runner never waits for the server: a
 * run whose page or answer is on its way is parked, and others go on.
 *
 * A run has one task under way. What arrives meanwhile waits: the newest real task (an older one
 * has timed out at the server) and every query (docs/protocol.md, Sticky cache).
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "worker/cache.h"
#include "worker/note.h"
#include "workflow/workflow.h"

struct workflow_task;
struct worker;

struct runner {
    struct worker *worker;
    pthread_t thread;
    bool started;
    struct mailbox box;
    struct workflow_host *host;
    struct cache cache;
    struct workflow_task *ready; /* to begin, in order */
    struct workflow_task **ready_end;
    int offered;    /* eager activities, in the step under way */
    bool abandoned; /* tasks end without being worked on */
    bool closed;
    struct note leave;
    struct note abandon;
    struct note close;
    enum { RUNNER_OPENING, RUNNER_OPEN, RUNNER_FAILED } outcome; /* under the worker's lock */
    struct error failure;
    atomic_llong busy_since_ms; /* monotonic; 0: waiting for work */
};

/* A new reading of the scripts, for new runs: every runner prepares it, and when all of them could,
 * every one takes it (workflow.h). `note.read` is set by runner_reload. */
enum runner_step { RUNNER_PREPARE, RUNNER_TAKE, RUNNER_DISCARD };

struct runner_order {
    struct note note;
    struct runner *runner;
    enum runner_step step;
    const struct store *store;                /* of PREPARE */
    void (*done)(struct runner_order *order); /* on the runner's thread */
    struct error err;                         /* of PREPARE; kind ERROR_NONE: it is prepared */
    void *user;
};

/* A run in memory, with what waits for it. */
struct held_run {
    struct cache_entry entry;
    struct workflow_run *run;   /* NULL: evicted, and to be rebuilt by the next task */
    struct workflow_task *task; /* under way */
    struct workflow_task *next; /* the newest real task waiting */
    struct workflow_task *queries;
    struct workflow_task **queries_end;
    int64_t started_ms; /* wall time of its first event, 0: not seen */
};

/* Opens as many hosts and threads as there are runners. Fails when a script does not compile. */
bool runners_start(struct worker *worker, struct error *err);

/* Desk's thread. Takes the body, a packed PollWorkflowTaskQueueResponse, and its slot. */
void runners_accept(struct worker *worker, struct span run_id, struct bytes *body);

/* Any thread. */
void runner_reload(struct runner_order *order);

/* Desk's thread: what runs from now on does not come back to this worker. */
void runners_leave(struct worker *worker);

/* Desk's thread: cancels every call that a task waits for, so that all tasks end soon. */
void runners_abandon(struct worker *worker);

/* No task may be in hand. */
void runners_stop(struct worker *worker);

/* When the runner that has been at one activation longest began it (monotonic ms), 0: none is. */
int64_t runners_busy_since(const struct worker *worker);

/* --- for workflow_task.c, on the runner's thread --- */

/* The task is over. `evict`: the run's state cannot be trusted or is of no use any more. */
void runner_finished(struct runner *runner, struct workflow_task *task, bool evict);

/* A task for a run of this runner: begun soon, or kept until its run is free. */
void runner_offer(struct runner *runner, struct workflow_task *task);

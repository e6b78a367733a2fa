/*
 * A Temporal worker: polls one task queue and runs what a scripts folder defines for it.
 *
 *     worker_defaults -> worker_start -> worker_wait ... worker_drain -> worker_wait -> worker_stop
 *
 * Starting blocks only while it asks the server who it is and what it can (15 s at most); from then
 * on the worker lives on threads of its own. Protocol: docs/protocol.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "rpc/rpc.h"

struct edition;
struct worker;

struct worker_options {
    struct rpc *rpc;     /* stays open until worker_stop has returned */
    const char *scripts; /* folder with workflows/ and activities/ */
    const char *space;   /* Temporal's namespace */
    const char *task_queue;
    const char *identity;       /* NULL: pid@host */
    const char *health_address; /* "127.0.0.1:9464", port 0 picks one; NULL: no HTTP */

    size_t cache_size;      /* runs kept in memory, default 1000; 0: none, no sticky queue */
    int max_workflow_tasks; /* in hand at once, default 100 */
    int max_activities;     /* default 100 */
    int workflow_polls;     /* outstanding at once, default 5; at least 2 with a cache */
    int activity_polls;     /* default 5 */
    int runners;            /* threads for workflows; default 0: one for each core */
    int activity_loops;     /* threads for activities; default 1 */

    int sticky_timeout_ms;    /* how long the server waits for this worker to take a task of a
                                 cached run; default 10000 */
    int graceful_timeout_ms;  /* what running activities get before a drain cancels them;
                                 default 20000 */
    int cancel_timeout_ms;    /* what cancelled ones get to end; default 10000 */
    int default_heartbeat_ms; /* between heartbeats of activities without a heartbeat timeout;
                                 default 30000 */
    int max_heartbeat_ms;     /* between heartbeats of any activity; default 60000 */

    int slice_ms;             /* CPU time of one activation of a workflow; 0: as workflow.h says */
    size_t instance_limit;    /* memory of one run; 0: as workflow.h says */
    size_t max_runs_per_cell; /* 0: as workflow.h says */

    bool fixed_scripts; /* the folder is read once, at the start, and not watched */
    /* On a thread of the worker, when an edit was taken or refused: what serves now, and what did
     * (edition.h). Both are gone afterwards unless they are held. NULL: the log says it. */
    void (*reloaded)(void *user, struct edition *now, struct edition *before);

    /* Called once on a thread of the worker when worker_wait would return true. */
    void (*stopped)(void *user);
    void *user;
};

/* Every default filled in; rpc, scripts, space and task_queue are the caller's to set. */
struct worker_options worker_defaults(void);

/* False: ERROR_USAGE for an option that cannot be, ERROR_SCRIPT naming file:line, ERROR_CONFIG when
 * the namespace does not exist, ERROR_NETWORK when the server could not be reached. Texts of the
 * options are copied. */
bool worker_start(struct worker **out, const struct worker_options *options, struct error *err);

/* Begins to leave: not ready, no more polls; what is in hand is finished and answered. Running
 * activities are cancelled with reason "worker shutdown" after graceful_timeout_ms. Any thread. */
void worker_drain(struct worker *worker);

/* As drain, but nobody is waited for longer than it takes to tell the server. Any thread. */
void worker_hurry(struct worker *worker);

/* True once nothing is in hand any more; false at the deadline (monotonic ms, -1: none). */
bool worker_wait(struct worker *worker, int64_t deadline_ms);

/* Hurries a worker that has not stopped, joins its threads, frees it. False and err when it gave up
 * by itself: what the server refused. */
bool worker_stop(struct worker *worker, struct error *err);

enum worker_phase { WORKER_STARTING, WORKER_RUNNING, WORKER_DRAINING, WORKER_STOPPED };

struct worker_figures {
    int used; /* tasks in hand */
    int max;
    int polls;            /* outstanding */
    int64_t last_poll_ms; /* monotonic time of the last poll that the server answered; 0: none */
};

struct worker_state {
    enum worker_phase phase;
    bool ready;        /* running, and the server answers polls */
    char missing[256]; /* why it is not ready; "" when it is */
    struct worker_figures workflows;
    struct worker_figures sticky; /* used and max are the cache: runs in memory, capacity */
    struct worker_figures activities;
    int64_t turned_ms; /* monotonic time when the desk last came round: it is alive */
    int64_t busy_ms;   /* how long the busiest runner has been at one task */
    char server[64];   /* the server's version */
};

/* A snapshot. Any thread. */
void worker_state(struct worker *worker, struct worker_state *out);

/* The port that health is served on, 0 when it is not. */
int worker_health_port(const struct worker *worker);

/*
 * The desk: the one thread that owns polls, slots, activity tasks and the way out.
 *
 * Everything in struct worker belongs to the desk's thread but what is said to be set before the
 * threads start and what stands under `lock`. Other threads reach the desk by a note in its box.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/uuid.h"
#include "worker/activities.h"
#include "worker/alarm.h"
#include "worker/connect.h"
#include "worker/poller.h"
#include "worker/presence.h"
#include "worker/shutdown.h"
#include "worker/worker.h"

struct edition;
struct health;
struct reload;
struct runner;

struct worker {
    /* set before the threads start */
    struct worker_options options;
    struct arena texts; /* what options and the fields below point to */
    char instance_key[UUID_SIZE];
    const char *sticky_queue; /* NULL: no cache */
    struct server_facts facts;
    struct edition *edition; /* of the start; reload has the later ones */
    struct reload *reload;   /* NULL: the scripts folder is not watched */
    struct health *health;
    struct runner *runners;
    size_t runner_count;
    int64_t started_ms; /* wall */

    /* the desk's */
    pthread_t thread;
    bool running; /* the thread exists */
    struct mailbox box;
    struct alarms alarms;
    struct polls polls;
    struct activities activities;
    struct shutdown shutdown;
    struct presence presence;

    /* counted by the runners */
    atomic_int cached_runs;
    atomic_int cache_hits;
    atomic_int cache_misses;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct worker_state state; /* under lock */
    struct error gave_up;      /* under lock; kind ERROR_NONE: it did not */
};

bool desk_start(struct worker *worker, struct error *err);

/* The thread ends by itself once the shutdown is over. */
void desk_join(struct worker *worker);

/* Desk's thread: the worker cannot go on; it drains and worker_stop says why. */
void desk_give_up(struct worker *worker, const struct error *why);

void desk_send(struct worker *worker, struct note *note);

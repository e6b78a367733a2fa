/*
 * The way out: a sequence of steps, each over when its condition holds or its deadline has passed
 * (temporal-worker.md 2.17, 3.8).
 *
 *     leave     not ready any more; ShutdownWorker, so that the server stops giving us tasks
 *     polls     no new polls; what is out comes back or is cancelled; what it brings is worked on
 *     tasks     workflow tasks in hand are finished and answered
 *     grace     activities may end by themselves
 *     cancel    activities are cancelled and end
 *     answers   what they ended with reaches the server
 *     abandon   calls that are still out are cancelled, what still runs is killed
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "worker/exchange.h"

struct worker;

enum shutdown_step {
    SHUTDOWN_NOT_BEGUN,
    SHUTDOWN_LEAVE,
    SHUTDOWN_POLLS,
    SHUTDOWN_TASKS,
    SHUTDOWN_GRACE,
    SHUTDOWN_CANCEL,
    SHUTDOWN_ANSWERS,
    SHUTDOWN_ABANDON,
    SHUTDOWN_OVER,
};

struct shutdown {
    enum shutdown_step step;
    int64_t began_ms;
    int64_t deadline_ms; /* of the step */
    bool hurried;
    struct exchange goodbye; /* ShutdownWorker */
};

/* All on the desk's thread. */
void shutdown_begin(struct worker *worker);
void shutdown_hurry(struct worker *worker);

/* Goes on to the steps whose time has come. */
void shutdown_advance(struct worker *worker, int64_t now_ms);

/* When it must be advanced although nothing happens, -1: no such time. */
int64_t shutdown_due(const struct worker *worker);

/*
 * The way out (docs/protocol.md, Shutdown): a sequence of steps, each over when its condition holds
 * or its deadline has passed.
 *
 * - leave: not ready any more; runs that are worked on go on elsewhere.
 * - polls: no new polls but of the sticky queue. What is out brings the tasks that are on their
 *   way, which are worked on: a poll that is cancelled loses the task that the server was just
 *   giving it. Over when nothing has come for a second.
 * - cancel: the polls that are still out are cancelled.
 * - goodbye: ShutdownWorker; the server forgets the sticky queue. Where it ends our polls itself
 *   when told so, this is part of leave instead, and no poll needs a cancel.
 * - tasks: workflow tasks in hand are finished and answered.
 * - grace: activities may end by themselves.
 * - end: activities are cancelled and end.
 * - answers: what they ended with reaches the server.
 * - abandon: calls that are still out are cancelled, what still runs is killed.
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
    SHUTDOWN_CANCEL,
    SHUTDOWN_GOODBYE,
    SHUTDOWN_TASKS,
    SHUTDOWN_GRACE,
    SHUTDOWN_END,
    SHUTDOWN_ANSWERS,
    SHUTDOWN_ABANDON,
    SHUTDOWN_OVER,
};

struct shutdown {
    enum shutdown_step step;
    int64_t entered_ms;  /* when the step began */
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

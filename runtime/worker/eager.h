/*
 * Eager activities: the task of an activity that a workflow task schedules may come back with the
 * server's answer, which saves a poll (temporal-worker.md 2.17).
 *
 * One is asked for only when it would be this worker's anyway: on its own queue, of a type that its
 * scripts define, while it does not leave. A slot is reserved before the server hears of it, so
 * that a task that comes always has one; what the server did not use is given back. No more than
 * three are asked for at once, and polls have the same slots.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

struct worker;

enum { EAGER_MAX = 3 }; /* with one workflow task */

/* Any thread. True: a slot is reserved. */
bool eager_offer(struct worker *worker, const char *activity_type);

/* Desk's thread: the tasks in a packed RespondWorkflowTaskCompletedResponse (empty: it was refused)
 * take the slots reserved for them, and what is left over is free again. */
void eager_accept(struct worker *worker, struct span answer, int reserved);

/*
 * One activity task on its loop: the fiber that runs it, its timers, its cancellation, its outcome.
 *
 * Lua decides what the outcome is (runtime/lua/activity/task.lua); this file keeps time. While the
 * script waits for C, or has waited since the last look, the task beats by itself: every wait ends,
 * so it is alive. A script that only calculates, or is stuck, does not beat.
 */
#pragma once

#include "activity/activity.h"
#include "activity/reactor.h"
#include "base/map.h"

enum { TASK_GRACE_MS = 5000 }; /* beyond the server's deadlines; and for cleaning up after them */

struct task_host {
    struct reactor *reactor;
    const struct activity_listener *listener;
    int run;             /* registry: the Lua function that runs a task */
    struct map tasks;    /* struct task by the worker's pointer */
    size_t memory_limit; /* bytes a task, 0: none */
};

/* Loop's thread. `packed` is taken over. */
void task_start(struct task_host *host, void *key, struct bytes *packed);
void task_cancel(struct task_host *host, void *key, enum activity_cancel_reason reason);

/* Kills what is left: each ends as dropped once the loop turns. */
void task_kill_all(struct task_host *host);

/* The Lua module "native.task": how a script's task is known to Lua. */
int task_open(lua_State *L);

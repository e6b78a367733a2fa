/*
 * Work that would block the loop (files, long sums) on a thread of libuv's pool.
 *
 * A job that has begun cannot be interrupted, so it must end by itself and soon; one that still
 * queues can. What it reads may lie in Lua: the coroutine that waits keeps it alive.
 */
#pragma once

#include "activity/reactor.h"

struct job {
    struct fiber_wait wait; /* first */
    uv_work_t work;
    void (*run)(struct job *job);                  /* on the pool */
    int (*deliver)(struct job *job, lua_State *L); /* when run has ended: pushes the results */
    void (*release)(struct job *job); /* frees what it holds, not itself; may be NULL */
};

/* Suspends the running coroutine until the job, from memory_new, has ended, and frees it. */
int job_suspend(lua_State *L, struct job *job);

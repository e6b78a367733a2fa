/*
 * Fibers: Lua coroutines that C suspends and resumes, so that waiting needs no thread.
 *
 * A C function that has to wait embeds a struct fiber_wait in its operation, starts it, and ends in
 * `return fiber_suspend(L, &operation->wait)`. When the operation is over, on any thread,
 * fiber_wake() gives it back: on the host's thread `deliver` then pushes what the Lua call returns
 * and `release` frees the operation. Exactly one wake follows each suspend.
 *
 * What such a function returns to Lua is `true, results...` or `false, error`, a cancelled wait
 * `false` alone; the embedded module "wait" makes results or a raised error of it (a coroutine
 * cannot be resumed with an error).
 */
#pragma once

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/mailbox.h"
#include "script/vm.h"

struct fiber;

struct fiber_wait {
    struct fiber *fiber; /* fiber_current(L), set before the operation starts */
    /* Host's thread. Pushes at most FIBER_RESULTS values, returns how many. May raise. */
    int (*deliver)(struct fiber_wait *wait, lua_State *L);
    /* Host's thread. The result is not wanted any more; fiber_wake must follow soon. An operation
     * that ends on other threads may just have ended: then this does nothing. */
    void (*interrupt)(struct fiber_wait *wait);
    /* Host's thread. */
    void (*release)(struct fiber_wait *wait);
};

enum { FIBER_RESULTS = 8 };

enum fiber_outcome {
    FIBER_WAITING,   /* nothing to do until it is ready again */
    FIBER_PREEMPTED, /* used up its slice: run it again after the others */
    FIBER_DONE,      /* its results are on fiber->L */
    FIBER_ERROR,     /* its error is on top of fiber->L */
    FIBER_OUT_OF_MEMORY,
    FIBER_KILLED,
};

/* The VM and the thread that run fibers. */
struct fiber_host {
    struct vm *vm;
    int slice_ms; /* CPU time until a fiber is preempted, 0: never */
    /* Any thread: fiber_run() must follow on the host's. */
    void (*ready)(struct fiber_host *host, struct fiber *fiber);
    struct fiber *current; /* the one that runs now */
};

struct fiber {
    struct letter letter; /* for the host's queues */
    struct fiber_host *host;
    lua_State *L;
    int anchor;                 /* keeps L alive in the registry */
    void *owner;                /* whose work it is; fibers do not look */
    struct vm_account *account; /* charged for its memory; NULL: nobody */
    void (*ended)(struct fiber *fiber, enum fiber_outcome outcome); /* for the host to call */
    struct fiber_wait *wait; /* under way, or its result is to be delivered */
    unsigned long waits;     /* begun so far: a sign of life */
    atomic_bool woken;       /* the wait has ended */
    bool started;
    bool interrupted; /* the wait: its result is thrown away */
    bool cancelled;   /* the next wait ends at once */
    bool killed;
};

/* Makes a host of the VM; fiber_current() finds it from any coroutine of that VM. `ready` and
 * `slice_ms` are the caller's to set. */
void fiber_host_open(struct fiber_host *host, struct vm *vm);

/* Takes a function and `count` arguments off the VM's main state. Not yet ready. NULL when the VM
 * is out of memory. */
struct fiber *fiber_new(struct fiber_host *host, int count);

/* Only after an outcome from FIBER_DONE on, or when it never ran. */
void fiber_free(struct fiber *fiber);

/* Host's thread: the one place where a fiber is resumed. */
enum fiber_outcome fiber_run(struct fiber *fiber);

/* The fiber that runs L, also through coroutines of its own; NULL at the top level of a script. */
struct fiber *fiber_find(lua_State *L);

/* The same, for who has to wait: raises when there is none. */
struct fiber *fiber_current(lua_State *L);

int fiber_suspend(lua_State *L, struct fiber_wait *wait);

/* Any thread. */
void fiber_wake(struct fiber_wait *wait);

/* Host's thread: the wait under way, else the next one, ends at once and returns `false`. Later
 * waits are ordinary again, so that a script can clean up. */
void fiber_cancel(struct fiber *fiber);

/* Host's thread: it never runs Lua again. Its next fiber_run(), which the end of its wait or the
 * host's queue brings, gives FIBER_KILLED. */
void fiber_kill(struct fiber *fiber);

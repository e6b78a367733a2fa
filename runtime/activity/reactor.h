/*
 * A reactor: one libuv loop, one Lua VM and the fibers that run on them, all on one thread.
 *
 * Each turn of the loop runs fibers whose waits have ended, then new ones, then one that had used
 * up its slice; each for a few slices at most, and then sockets are looked at again. So neither a
 * fiber that calculates for hours nor a thousand new ones delay those that wait by more than that.
 *
 * Activities live on reactors (loop.c), and so do the commands of the CLI (reactor_call).
 */
#pragma once

#include <uv.h>

#include "script/fiber.h"

struct reactor;

/* What lives as long as the reactor: curl's multi handle, pooled connections. */
struct reactor_part {
    struct reactor_part *next;
    void (*close)(
        struct reactor_part *part); /* closes its handles; frees it once they are closed */
};

enum { REACTOR_SLICE_MS = 10 };

/* The VM is the reactor's from here on. */
bool reactor_open(struct reactor **out, struct vm *vm, struct error *err);

/* No fiber may be left. Closes the parts and the VM. */
void reactor_close(struct reactor *reactor);

uv_loop_t *reactor_uv(struct reactor *reactor);
lua_State *reactor_lua(struct reactor *reactor);
void reactor_add(struct reactor *reactor, struct reactor_part *part);

/* The reactor whose VM L belongs to. */
struct reactor *reactor_of(lua_State *L);

/* Takes a function and `count` arguments off reactor_lua() and runs them as a fiber; `ended` is
 * called on the reactor's thread with FIBER_DONE or a later outcome and frees the fiber. NULL when
 * the VM is out of memory. */
struct fiber *reactor_spawn(struct reactor *reactor, int count,
                            void (*ended)(struct fiber *fiber, enum fiber_outcome outcome));

/* Turns the loop until reactor_stop(). The calling thread becomes the reactor's. */
void reactor_run(struct reactor *reactor);
void reactor_stop(struct reactor *reactor);

/* As reactor_spawn, and turns the loop until the function has ended: its results or its error are
 * then on reactor_lua(), `*results` of them. For tools; not inside reactor_run. */
enum fiber_outcome reactor_call(struct reactor *reactor, int count, int *results);

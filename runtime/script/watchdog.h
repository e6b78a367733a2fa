/*
 * Notices when a slice of script takes too long.
 *
 * A thread that runs scripts says watch_begin() and watch_end(); both are a few stores. The first
 * slice sets a timer that signals this very thread. Its handler measures the CPU time that the
 * slice has had, so that a starved machine blames nobody (and wall time with a generous cap), and
 * calls `late` when that is too much, again every 20 ms until the slice ends. The timer goes on
 * while slices run and stops when it finds none: a thread that rests is never woken.
 */
#pragma once

#include <stdint.h>

struct watch_slice {
    uint64_t number; /* 0: not watched */
    int budget_ms;
    void (*late)(void *user); /* in a signal handler on the watched thread */
    void *user;
};

/* Watches this thread from now on; budget_ms 0 pauses watching. `outer` keeps what was watched
 * before, for watch_end(). */
void watch_begin(struct watch_slice *outer, int budget_ms, void (*late)(void *user), void *user);
void watch_end(const struct watch_slice *outer);

/*
 * A watch over a folder and all below it: tells its owner, on the owner's loop, when what lies
 * there may have changed. What comes within a short time of each other is told once: an editor's
 * write, rename and swap files, or a whole checkout. What editors leave beside a file is not told
 * at all.
 *
 * Linux watches single folders, so each has an eye of its own; new ones get theirs before the owner
 * is told. Where the system tells nothing (network folders, too few watches left) a look at names,
 * sizes and times every few seconds finds the change.
 */
#pragma once

#include <uv.h>

#include "base/error.h"

struct watch;

struct watch_options {
    const char *dir;
    int quiet_ms; /* how long nothing must happen before it is told */
    int look_ms;  /* between looks */
    /* since_us: monotonic time of the first event. */
    void (*changed)(void *user, int64_t since_us);
    void *user;
};

/* The texts of the options are copied. */
bool watch_open(struct watch **out, uv_loop_t *loop, const struct watch_options *options,
                struct error *err);

/* Nothing is told any more; the memory is given back when the loop has turned. */
void watch_close(struct watch *watch);

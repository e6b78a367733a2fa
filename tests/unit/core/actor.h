/*
 * A workflow script in a nutshell: what it does is a pure function of its seed and of the jobs and
 * moments that it saw, and it keeps watch that they make sense.
 */
#pragma once

#include "base/arena.h"
#include "core/run.h"

enum { ACTOR_THINGS = 48 };

/* What the actor knows of one activity or timer; seq is the place in the list + 1. */
struct thing {
    bool settled;  /* resolved, fired or cancelled */
    bool canceled; /* a cancel was asked for */
};

struct actor {
    uint64_t state;
    uint32_t activity_count;
    uint32_t timer_count;
    struct thing activities[ACTOR_THINGS];
    struct thing timers[ACTOR_THINGS];
    int64_t now_ms;
    bool ended;
    char complaint[160]; /* "": none */
};

void actor_init(struct actor *actor, uint64_t seed);

/* Reacts to the jobs: the commands, in the arena. */
struct command *actor_act(struct actor *actor, const struct run_jobs *jobs, struct arena *arena,
                          size_t *count);

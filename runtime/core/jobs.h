/* The jobs of one activation, collected while events are applied. */
#pragma once

#include "core/run.h"

struct jobs {
    struct job *jobs;
    struct job *spare; /* for sorting */
    uint32_t count;
    uint32_t room;
};

void jobs_add(struct jobs *jobs, struct job job);

/*
 * Puts them in the order that scripts know for ever, history's order within each class: the start,
 * the seed, signals, then all the rest.
 */
void jobs_sort(struct jobs *jobs);
void jobs_release(struct jobs *jobs);

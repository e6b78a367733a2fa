/*
 * Cuts history into sequences: all events that are applied before one activation of the script.
 *
 * Where the cuts lie is recorded nowhere and must be the same forever, for every page size. Two
 * rules, by lang flag (docs/protocol.md, Cutting history and Flags):
 *
 * - Flag 1, in every run that this worker completed a task of: each completed task ends a
 *   sequence, which is exactly where the live run was activated. Tasks that brought nothing make a
 *   sequence without jobs, and no script runs. No heartbeat has to be guessed.
 * - No flag, a history that another SDK began: Temporal's own rule, heartbeats glued by guess.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/event.h"

struct chunk {
    const struct event *const *events; /* not applied yet, at least one: it starts the sequence */
    size_t count;
    bool complete; /* no more pages: what is not here will never be */
    bool stepwise; /* flag 1 was recorded before */
};

/* NULL: it has not come. */
static inline const struct event *chunk_event(const struct chunk *chunk, size_t i)
{
    return i < chunk->count ? chunk->events[i] : NULL;
}

/* Where the sequence ends: the index of its last event. False when that takes another page. */
bool chunk_end(const struct chunk *chunk, size_t *end);

/*
 * The lang flags: how a run's history says by which rules of ours it was made, so that rules can
 * change and old histories still replay (docs/protocol.md, Flags). Numbers are in histories
 * forever. A run under replay uses a flag only when it was recorded at or before the completion
 * of the sequence at hand; a live one records all that it lacks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "core/event.h"

enum flag {
    FLAG_STEPWISE = 1, /* every completed task ends a sequence: chunk.h */
};

struct flags {
    uint64_t recorded; /* bit n: flag n is in history */
    bool sdk_named;    /* the sdk pair recorded last is ours */
};

static inline bool flags_have(const struct flags *flags, enum flag flag)
{
    return flags->recorded >> flag & 1;
}

/* Whether this EVENT_TASK_COMPLETED records the flag. */
bool flag_recorded(const struct event *completed, enum flag flag);

/* Takes in what an EVENT_TASK_COMPLETED records. A flag unknown here is ERROR_HISTORY. */
bool flags_learn(struct flags *flags, const struct event *completed, struct error *err);

/* Flags that a live completion must add to what is recorded. */
const uint32_t *flags_missing(const struct flags *flags, size_t *count);

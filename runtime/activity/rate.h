/*
 * How often this process asks a vendor: limits by key, shared by all threads and by all editions of
 * the scripts. A rate is at most `count` beginnings within any period; a burst below that waits for
 * nothing. Who asks gets a turn, one behind the other.
 *
 * A vendor that asks for patience holds its key: nobody begins before that, and all turns that have
 * not begun move on together, so that the rate is kept afterwards too.
 *
 * Times are monotonic milliseconds. Any thread. Keys are few and are kept for ever.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

struct rate {
    int64_t count; /* 0: any number, only holds count */
    int64_t period_ms;
};

struct rate_turn {
    int64_t begins_ms; /* as it was when it was taken */
    int64_t moved_ms;  /* by how far turns had been moved until then */
};

struct rate_turn rate_take(struct span key, struct rate rate, int64_t now_ms);

/* When the turn begins, by what is known now: it may have been moved since. */
int64_t rate_begins(struct span key, struct rate_turn turn);

void rate_hold(struct span key, int64_t until_ms, int64_t now_ms);

/* Until when the key is held; in the past when it is not. */
int64_t rate_held(struct span key);

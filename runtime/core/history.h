/*
 * The part of history that is fed and not yet applied: pages go in, sequences come out.
 *
 * Events are numbered without gaps; what was seen before is skipped. A sequence is given out only
 * when it is certain where it ends, so the one behind it is looked into as far as that takes; the
 * cuts are therefore the same for any division into pages.
 */
#pragma once

#include "base/error.h"
#include "core/event.h"

struct history {
    const struct event **events;
    uint32_t count;
    uint32_t room;
    uint32_t next;    /* first event not given out */
    int64_t last_fed; /* id */
    bool more;        /* another page may come */
};

struct sequence {
    const struct event *const *events;
    size_t count;
    const struct event *after;  /* the next event, NULL when there is none yet */
    const struct event *second; /* behind that; certain only in the run's first sequence */
    bool last;                  /* history ends with it */
};

enum history_step { HISTORY_SEQUENCE, HISTORY_NEEDS_PAGE, HISTORY_ENDS };

/* Expects the events behind `last_applied`. */
void history_open(struct history *history, int64_t last_applied);
bool history_feed(struct history *history, const struct event *events, size_t count, bool more,
                  struct error *err);
/* `stepwise`: the flag is recorded, see chunk.h. */
enum history_step history_take(struct history *history, bool stepwise, struct sequence *sequence);
void history_release(struct history *history);

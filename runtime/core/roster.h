/*
 * The open machines of one kind, in order of seq.
 *
 * Since commands are matched first in, first out, that is also the order of the events that
 * confirmed them, so one array answers both questions by halving: which machine has this seq, and
 * which was opened by this event. Closed machines stay as state 0 until the array would grow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine {
    uint32_t seq;
    uint8_t state;    /* 0: closed */
    int64_t event_id; /* of the event that confirmed its command; 0: not yet */
    int64_t started_id;
};

struct roster {
    struct machine *machines;
    uint32_t count;
    uint32_t room;
    uint32_t open;
    uint32_t last_seq; /* the highest ever added */
};

/* A new machine at the end. NULL unless seq is greater than any before. */
struct machine *roster_add(struct roster *roster, uint32_t seq, uint8_t state);

/* The open machine, or NULL. Machines move when one is added or struck. */
struct machine *roster_by_seq(const struct roster *roster, uint32_t seq);
struct machine *roster_by_event(const struct roster *roster, int64_t event_id);

/* Closes a machine that was opened by an event. */
void roster_close(struct roster *roster, struct machine *machine);

/* Removes a machine that no event opened, as if it had never been. */
void roster_strike(struct roster *roster, struct machine *machine);

/* Gives back memory between tasks. */
void roster_shrink(struct roster *roster);
void roster_release(struct roster *roster);

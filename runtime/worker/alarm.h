/*
 * Deadlines of one thread: a heap of alarms, each embedded in what it belongs to. An alarm of all
 * zeros is unset. Ringing unsets it first, so that the callee may set it again or free its owner.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct alarm {
    int64_t due_ms;
    size_t place; /* in the heap, from 1; 0: unset */
    void (*ring)(struct alarm *alarm);
};

struct alarms {
    struct alarm **heap; /* heap[0] is not used */
    size_t count;
    size_t room;
};

/* Sets or moves it. */
void alarm_set(struct alarms *all, struct alarm *alarm, int64_t due_ms);
void alarm_clear(struct alarms *all, struct alarm *alarm);

/* -1: none is set. */
int64_t alarms_next(const struct alarms *all);
void alarms_ring(struct alarms *all, int64_t now_ms);
void alarms_release(struct alarms *all);

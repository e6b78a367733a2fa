/*
 * How many tasks of one kind may be in hand. A slot is reserved before a poll is sent, used once
 * the poll brings a task, free again when the task has been answered. An empty poll keeps its
 * reservation for the next one. At rest, after shutdown, none is taken.
 *
 * Any thread may reserve and give back; the rest is the owner's.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct slots {
    int max;
    atomic_int taken;  /* one for each outstanding poll and each task in hand */
    int used;          /* of which for tasks in hand */
    uint64_t released; /* tasks that are over */
};

bool slots_reserve(struct slots *s);   /* false when all are taken */
void slots_give_back(struct slots *s); /* the poll ended and will not be repeated */
void slots_use(struct slots *s);       /* the poll brought a task */
void slots_release(struct slots *s);   /* the task has been answered */

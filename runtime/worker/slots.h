/*
 * How many tasks of one kind may be in hand. A slot is reserved before a poll is sent, used once
 * the poll brings a task, free again when the task has been answered. An empty poll keeps its
 * reservation for the next one. At rest, after shutdown, reserved and used are both 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct slots {
    int max;
    int reserved;      /* one for each outstanding poll */
    int used;          /* one for each task in hand */
    uint64_t released; /* tasks that are over */
};

bool slots_reserve(struct slots *s);   /* false when all are taken */
void slots_give_back(struct slots *s); /* the poll ended and will not be repeated */
void slots_use(struct slots *s);       /* the poll brought a task */
void slots_release(struct slots *s);   /* the task has been answered */

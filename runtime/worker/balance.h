/*
 * Which workflow queue the next poll asks: the normal one, where new runs come from, or this
 * process's sticky one, where the runs in its cache go on. Neither may starve (docs/protocol.md,
 * Polls): each has a poll while there are slots for two, a fifth of the polls goes to the normal
 * queue, and a sticky backlog draws polls over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum poll_queue { POLL_NORMAL, POLL_STICKY, POLL_ACTIVITY };

struct balance {
    int max;     /* workflow polls at once */
    bool sticky; /* false: no cache, so only the normal queue */
    int normal_polls;
    int sticky_polls;
    int64_t sticky_backlog; /* as the last sticky task hinted */
    enum poll_queue last;
};

/* False when as many polls are out as may be. */
bool balance_choose(const struct balance *b, enum poll_queue *queue);
void balance_started(struct balance *b, enum poll_queue queue);
void balance_ended(struct balance *b, enum poll_queue queue);

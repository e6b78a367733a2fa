#include "worker/balance.h"

static int normal_share(const struct balance *b)
{
    int fifth = (b->max + 2) / 5;
    return fifth > 1 ? fifth : 1;
}

bool balance_choose(const struct balance *b, enum poll_queue *queue)
{
    if (b->normal_polls + b->sticky_polls >= b->max)
        return false;
    if (!b->sticky)
        *queue = POLL_NORMAL;
    else if (!b->normal_polls && !b->sticky_polls)
        *queue = b->last == POLL_NORMAL ? POLL_STICKY : POLL_NORMAL;
    else if (!b->normal_polls)
        *queue = POLL_NORMAL;
    else if (!b->sticky_polls)
        *queue = POLL_STICKY;
    else
        *queue =
            b->sticky_backlog > 1 || b->normal_polls >= normal_share(b) ? POLL_STICKY : POLL_NORMAL;
    return true;
}

static int *polls_of(struct balance *b, enum poll_queue queue)
{
    return queue == POLL_STICKY ? &b->sticky_polls : &b->normal_polls;
}

void balance_started(struct balance *b, enum poll_queue queue)
{
    ++*polls_of(b, queue);
    b->last = queue;
}

void balance_ended(struct balance *b, enum poll_queue queue)
{
    --*polls_of(b, queue);
}

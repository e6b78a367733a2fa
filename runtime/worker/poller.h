/*
 * Polls: outstanding long-poll calls, none of them a thread. A slot is reserved before a poll is
 * sent; a poll that comes back empty is sent again with the same slot (docs/protocol.md,
 * Polls). Retries and the grace for refusals are rpc's (RPC_LONG_POLL): a poll that fails here has
 * been refused for good.
 */
#pragma once

#include "worker/balance.h"
#include "worker/exchange.h"
#include "worker/slots.h"

struct worker;

struct poller {
    struct exchange exchange;
    struct worker *worker;
    enum poll_queue queue;
    bool out; /* its poll is outstanding */
};

enum { POLL_QUEUES = 3 };

struct polls {
    struct poller *pollers; /* those for workflows first */
    size_t workflow_pollers;
    size_t count;
    bool workflows; /* whether the scripts define any; only then their queue is polled */
    bool activities;
    struct bytes requests[POLL_QUEUES]; /* packed once */
    int64_t answered_ms[POLL_QUEUES];   /* monotonic time of the last good answer */
    int64_t brought_ms;                 /* monotonic time of the last task, from any queue */
    int64_t pause_until_ms;             /* after an answer that could not be received */
    struct balance balance;
    struct slots workflow_slots;
    struct slots activity_slots;
    enum { POLLS_OPEN, POLLS_STICKY, POLLS_CLOSED } phase;
};

void polls_init(struct worker *worker);

/* Sends as many polls as slots and limits allow. */
void polls_fill(struct worker *worker, int64_t now_ms);

/* A task of this queue came: it takes the slot that was reserved for it. */
void polls_task_came(struct worker *worker, enum poll_queue queue);

/* A task of this queue is over: its slot is free. */
void polls_task_done(struct worker *worker, enum poll_queue queue);

/* Only the sticky queue is polled any more, for the runs in the cache. What is out comes back. */
void polls_only_sticky(struct worker *worker);

/* Nothing is polled any more; what is out still comes back. */
void polls_close(struct worker *worker);

/* It comes back at once. A task that the server was just giving us is lost until it times out. */
void polls_cancel(struct worker *worker);
int polls_out(const struct worker *worker, enum poll_queue queue);
bool polls_idle(const struct worker *worker);
void polls_release(struct worker *worker);

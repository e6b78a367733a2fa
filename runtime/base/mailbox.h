/*
 * How threads meet: a queue of letters into one owner. Sending is giving.
 *
 * A letter is embedded in the thing sent. The owner either blocks in mailbox_wait() or has a `wake`
 * that is called (from the sender) whenever the box goes from empty to not empty, for example
 * uv_async_send.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct letter {
    struct letter *next;
};

struct mailbox {
    pthread_mutex_t mutex;
    atomic_int asleep; /* 1 while the owner waits: what it waits on */
    struct letter *first;
    struct letter **last;
    bool closed;
    void (*wake)(void *user); /* NULL: the owner waits */
    void *wake_user;
};

void mailbox_init(struct mailbox *box, void (*wake)(void *user), void *user);
void mailbox_release(struct mailbox *box);

/* False, and the letter is still the caller's, once the box is closed. */
bool mailbox_send(struct mailbox *box, struct letter *letter);

/* All letters in order of arrival, NULL when there are none. */
struct letter *mailbox_take(struct mailbox *box);

/* As take, but waits until there is one, the box is closed, or the deadline (monotonic ms, -1:
 * none). */
struct letter *mailbox_wait(struct mailbox *box, int64_t deadline_ms);

/* No more letters: senders are refused, waiters wake. */
void mailbox_close(struct mailbox *box);

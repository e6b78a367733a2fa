#include "base/mailbox.h"

#include <stddef.h>
#include <time.h>

void mailbox_init(struct mailbox *box, void (*wake)(void *user), void *user)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    *box = (struct mailbox){.wake = wake, .wake_user = user};
    box->last = &box->first;
    pthread_mutex_init(&box->mutex, NULL);
    pthread_cond_init(&box->filled, &attr);
    pthread_condattr_destroy(&attr);
}

void mailbox_release(struct mailbox *box)
{
    pthread_cond_destroy(&box->filled);
    pthread_mutex_destroy(&box->mutex);
}

bool mailbox_send(struct mailbox *box, struct letter *letter)
{
    pthread_mutex_lock(&box->mutex);
    bool open = !box->closed;
    bool was_empty = box->first == NULL;
    if (open) {
        letter->next = NULL;
        *box->last = letter;
        box->last = &letter->next;
        pthread_cond_signal(&box->filled);
        if (was_empty && box->wake)
            box->wake(box->wake_user);
    }
    pthread_mutex_unlock(&box->mutex);
    return open;
}

static struct letter *take_locked(struct mailbox *box)
{
    struct letter *all = box->first;
    box->first = NULL;
    box->last = &box->first;
    return all;
}

struct letter *mailbox_take(struct mailbox *box)
{
    pthread_mutex_lock(&box->mutex);
    struct letter *all = take_locked(box);
    pthread_mutex_unlock(&box->mutex);
    return all;
}

struct letter *mailbox_wait(struct mailbox *box, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ms / 1000),
                             .tv_nsec = (long)(deadline_ms % 1000) * 1000000};
    pthread_mutex_lock(&box->mutex);
    int rc = 0;
    while (!box->first && !box->closed && rc == 0)
        rc = deadline_ms < 0 ? pthread_cond_wait(&box->filled, &box->mutex)
                             : pthread_cond_timedwait(&box->filled, &box->mutex, &until);
    struct letter *all = take_locked(box);
    pthread_mutex_unlock(&box->mutex);
    return all;
}

void mailbox_close(struct mailbox *box)
{
    pthread_mutex_lock(&box->mutex);
    box->closed = true;
    pthread_cond_broadcast(&box->filled);
    pthread_mutex_unlock(&box->mutex);
}

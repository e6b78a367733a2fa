#include "base/mailbox.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A futex and no condition variable: glibc wakes from one with the mutex marked as contended, so
 * that each letter cost two calls to the kernel more. */

/* Until the word is 0. False at the deadline. */
static bool sleep_on(atomic_int *word, int64_t deadline_ms)
{
    const struct timespec until = {.tv_sec = (time_t)(deadline_ms / 1000),
                                   .tv_nsec = (long)(deadline_ms % 1000) * 1000000};
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, 1,
                      deadline_ms < 0 ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    return rc == 0 || errno != ETIMEDOUT;
}

static void wake_from(atomic_int *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1);
}

void mailbox_init(struct mailbox *box, void (*wake)(void *user), void *user)
{
    *box = (struct mailbox){.wake = wake, .wake_user = user};
    box->last = &box->first;
    pthread_mutex_init(&box->mutex, NULL);
}

void mailbox_release(struct mailbox *box)
{
    pthread_mutex_destroy(&box->mutex);
}

/* The owner is woken once the mutex is free, or it would wait for it at once. It may have released
 * the box by then: only the word's address is used, which wakes nobody or somebody who looks. */
static void unlock_and_call(struct mailbox *box)
{
    bool asleep = atomic_exchange(&box->asleep, 0);
    pthread_mutex_unlock(&box->mutex);
    if (asleep)
        wake_from(&box->asleep);
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
        if (was_empty && box->wake)
            box->wake(box->wake_user);
    }
    unlock_and_call(box);
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
    bool late = false;
    pthread_mutex_lock(&box->mutex);
    while (!box->first && !box->closed && !late) {
        atomic_store(&box->asleep, 1);
        pthread_mutex_unlock(&box->mutex);
        late = !sleep_on(&box->asleep, deadline_ms);
        pthread_mutex_lock(&box->mutex);
        atomic_store(&box->asleep, 0);
    }
    struct letter *all = take_locked(box);
    pthread_mutex_unlock(&box->mutex);
    return all;
}

void mailbox_close(struct mailbox *box)
{
    pthread_mutex_lock(&box->mutex);
    box->closed = true;
    unlock_and_call(box);
}

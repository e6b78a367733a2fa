/*
 * The watched thread owns `slice`, the watchdog owns `seen` and what follows; they meet in the
 * slice's number, which is never used twice. A signal that comes late, when its slice is over,
 * finds another number and does nothing.
 */
#include "script/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum {
    TICK_MS = 5,
    AGAIN_MS = 20,
    IDLE_TICKS = 200,
    WALL_FACTOR = 10, /* wall time allowed: so many budgets, at least WALL_LEAST_MS */
    WALL_LEAST_MS = 2000,
};

struct watched {
    struct watched *next;
    pthread_t thread;
    clockid_t cpu;
    _Atomic uint64_t number;
    _Atomic int budget_ms;
    void (*late)(void *user);
    void *user;
    _Atomic uint64_t late_number;

    uint64_t seen;
    int64_t cpu_start_ms;
    int64_t wall_start_ms;
    int64_t sent_ms;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct watched *first;
    _Atomic bool asleep;
    pthread_once_t once;
    pthread_key_t key;
} dog = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static _Atomic uint64_t last_number;
static _Thread_local struct watched self;
static _Thread_local bool registered;

static int signal_number(void)
{
    return SIGRTMIN + 3;
}

static int64_t read_ms(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_signal(int number)
{
    (void)number;
    uint64_t slice = atomic_load(&self.number);
    if (slice != 0 && slice == atomic_load(&self.late_number))
        self.late(self.user);
}

static bool is_late(const struct watched *w, int64_t wall_ms)
{
    int budget = atomic_load(&w->budget_ms);
    int64_t cap = (int64_t)budget * WALL_FACTOR;
    if (wall_ms - w->wall_start_ms >= (cap > WALL_LEAST_MS ? cap : WALL_LEAST_MS))
        return true;
    return read_ms(w->cpu) - w->cpu_start_ms >= budget;
}

/* True when the thread runs a slice. */
static bool look_at(struct watched *w, int64_t wall_ms)
{
    uint64_t slice = atomic_load(&w->number);
    if (slice == 0)
        return false;
    if (slice != w->seen) {
        w->seen = slice;
        w->cpu_start_ms = read_ms(w->cpu);
        w->wall_start_ms = wall_ms;
        w->sent_ms = 0;
    } else if (wall_ms - w->sent_ms >= AGAIN_MS && is_late(w, wall_ms)) {
        w->sent_ms = wall_ms;
        atomic_store(&w->late_number, slice);
        pthread_kill(w->thread, signal_number());
    }
    return true;
}

static bool look_at_all(void)
{
    int64_t wall_ms = read_ms(CLOCK_MONOTONIC);
    bool any = false;
    for (struct watched *w = dog.first; w; w = w->next)
        any |= look_at(w, wall_ms);
    return any;
}

static void wait_for_tick(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_cond_clockwait(&dog.wake, &dog.lock, CLOCK_MONOTONIC, &until);
}

static void *watch(void *unused)
{
    (void)unused;
    int idle = 0;
    pthread_mutex_lock(&dog.lock);
    for (;;) {
        idle = look_at_all() ? 0 : idle + 1;
        if (idle < IDLE_TICKS) {
            wait_for_tick();
            continue;
        }
        /* Asleep before the last look: a slice that begins after it sees the flag. */
        atomic_store(&dog.asleep, true);
        while (atomic_load(&dog.asleep) && !look_at_all())
            pthread_cond_wait(&dog.wake, &dog.lock);
        atomic_store(&dog.asleep, false);
        idle = 0;
    }
    return NULL;
}

static void forget_thread(void *thread)
{
    pthread_mutex_lock(&dog.lock);
    for (struct watched **w = &dog.first; *w; w = &(*w)->next)
        if (*w == thread) {
            *w = (*w)->next;
            break;
        }
    pthread_mutex_unlock(&dog.lock);
}

static void start_watching(void)
{
    if (pthread_key_create(&dog.key, forget_thread) != 0)
        abort();
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(signal_number(), &action, NULL);

    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, watch, NULL) != 0)
        abort();
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void register_thread(void)
{
    pthread_once(&dog.once, start_watching);
    self.thread = pthread_self();
    pthread_getcpuclockid(self.thread, &self.cpu);
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, signal_number());
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
    pthread_setspecific(dog.key, &self);

    pthread_mutex_lock(&dog.lock);
    self.next = dog.first;
    dog.first = &self;
    pthread_mutex_unlock(&dog.lock);
    registered = true;
}

static void set_slice(const struct watch_slice *slice)
{
    atomic_store(&self.number, 0);
    self.late = slice->late;
    self.user = slice->user;
    atomic_store(&self.budget_ms, slice->budget_ms);
    atomic_store(&self.number, slice->number);
}

void watch_begin(struct watch_slice *outer, int budget_ms, void (*late)(void *user), void *user)
{
    *outer = (struct watch_slice){atomic_load(&self.number), atomic_load(&self.budget_ms),
                                  self.late, self.user};
    if (budget_ms <= 0) {
        atomic_store(&self.number, 0);
        return;
    }
    if (!registered)
        register_thread();
    struct watch_slice inner = {atomic_fetch_add(&last_number, 1) + 1, budget_ms, late, user};
    set_slice(&inner);
    if (atomic_load(&dog.asleep)) {
        pthread_mutex_lock(&dog.lock);
        atomic_store(&dog.asleep, false);
        pthread_cond_signal(&dog.wake);
        pthread_mutex_unlock(&dog.lock);
    }
}

void watch_end(const struct watch_slice *outer)
{
    set_slice(outer);
}

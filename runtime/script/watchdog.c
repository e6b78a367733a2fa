/*
 * All is the watched thread's own; what its signal handler sees too is atomic, in the order of the
 * fences. They meet in the slice's number, which a thread never uses twice: a signal that comes
 * late, when its slice is over, finds another number and does nothing.
 */
#include "script/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    LOOKS = 10, /* in a budget, */
    LOOK_LEAST_MS = 5,
    LOOK_MOST_MS = 50, /* but so often */
    AGAIN_MS = 20,
    WALL_FACTOR = 10, /* wall time allowed: so many budgets, at least WALL_LEAST_MS */
    WALL_LEAST_MS = 2000,
};

struct watched {
    bool ready;
    timer_t timer;
    uint64_t last_number;

    _Atomic bool armed;
    _Atomic uint64_t number;
    _Atomic int budget_ms;
    void (*late)(void *user);
    void *user;

    /* the handler's */
    uint64_t seen;
    int64_t cpu_start_ms;
    int64_t wall_start_ms;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local struct watched self;

/* Between this thread and its own signal handler. */
static void fence(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

#define LOAD(field) atomic_load_explicit(&self.field, memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&self.field, value, memory_order_relaxed)

static int64_t read_ms(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void arm(int wait_ms)
{
    struct itimerspec when = {
        .it_value = {wait_ms / 1000, wait_ms % 1000 * 1000000L}
    };
    timer_settime(self.timer, 0, &when, NULL);
}

static int look_ms(void)
{
    int wait_ms = LOAD(budget_ms) / LOOKS;
    if (wait_ms < LOOK_LEAST_MS)
        return LOOK_LEAST_MS;
    return wait_ms < LOOK_MOST_MS ? wait_ms : LOOK_MOST_MS;
}

static bool is_late(void)
{
    int64_t budget_ms = LOAD(budget_ms);
    int64_t cap_ms = budget_ms * WALL_FACTOR;
    if (cap_ms < WALL_LEAST_MS)
        cap_ms = WALL_LEAST_MS;
    return read_ms(CLOCK_MONOTONIC) - self.wall_start_ms >= cap_ms ||
           read_ms(CLOCK_THREAD_CPUTIME_ID) - self.cpu_start_ms >= budget_ms;
}

/* How long until the next look. */
static int look(uint64_t slice)
{
    if (slice != self.seen) {
        self.seen = slice;
        self.cpu_start_ms = read_ms(CLOCK_THREAD_CPUTIME_ID);
        self.wall_start_ms = read_ms(CLOCK_MONOTONIC);
    } else if (is_late()) {
        self.late(self.user);
        return AGAIN_MS;
    }
    return look_ms();
}

static void on_signal(int number)
{
    (void)number;
    int before = errno;
    uint64_t slice = LOAD(number);
    fence();
    if (slice)
        arm(look(slice));
    else
        STORE(armed, false);
    errno = before;
}

static int signal_number(void)
{
    return SIGRTMIN + 3;
}

static void forget_thread(void *thread)
{
    struct watched *w = thread;
    timer_delete(w->timer);
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(signal_number(), &action, NULL);
    if (pthread_key_create(&key, forget_thread) != 0)
        abort();
}

static void make_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal_number()};
    pthread_once(&once, prepare);
    event.sigev_notify_thread_id = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, &self.timer) != 0) {
        log_event(LOG_ERROR, "no_timer_for_scripts", "reason", strerror(errno), NULL);
        abort();
    }
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, signal_number());
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
    pthread_setspecific(key, &self);
    self.ready = true;
}

static void set_slice(const struct watch_slice *slice)
{
    STORE(number, 0);
    fence();
    self.late = slice->late;
    self.user = slice->user;
    STORE(budget_ms, slice->budget_ms);
    fence();
    STORE(number, slice->number);
    fence();
    if (slice->number && !LOAD(armed)) {
        STORE(armed, true);
        arm(look_ms());
    }
}

void watch_begin(struct watch_slice *outer, int budget_ms, void (*late)(void *user), void *user)
{
    *outer = (struct watch_slice){LOAD(number), LOAD(budget_ms), self.late, self.user};
    if (budget_ms <= 0) {
        STORE(number, 0);
        return;
    }
    if (!self.ready)
        make_timer();
    set_slice(&(struct watch_slice){++self.last_number, budget_ms, late, user});
}

void watch_end(const struct watch_slice *outer)
{
    set_slice(outer);
}

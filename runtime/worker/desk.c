#include "worker/desk.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "worker/runner.h"

/* The desk comes round at least this often, so that health can tell that it is alive. */
enum { TURN_MS = 1000 };

/* A poll that the server holds comes back after 70 s at most; after two such times without one the
 * server is not there for us. */
enum { POLL_SILENCE_MS = 2 * 70 * 1000 };

/* --- what others see --- */

static bool queue_is_silent(const struct worker *worker, enum poll_queue queue, int64_t now_ms)
{
    return polls_out(worker, queue) > 0 &&
           now_ms - worker->polls.answered_ms[queue] > POLL_SILENCE_MS;
}

static void say_what_is_missing(const struct worker *worker, int64_t now_ms, char *text,
                                size_t size)
{
    static const char *const names[POLL_QUEUES] = {"workflow", "sticky workflow", "activity"};
    *text = '\0';
    if (worker->gave_up.kind != ERROR_NONE)
        snprintf(text, size, "gave up: %.200s", worker->gave_up.text);
    else if (worker->shutdown.step != SHUTDOWN_NOT_BEGUN)
        snprintf(text, size, "shutting down");
    else if (!rpc_connected(worker->options.rpc))
        snprintf(text, size, "no connection to the server");
    for (enum poll_queue queue = POLL_NORMAL; !*text && queue <= POLL_ACTIVITY; queue++)
        if (queue_is_silent(worker, queue, now_ms))
            snprintf(text, size, "the server has not answered a poll for %s tasks for %lld s",
                     names[queue], (long long)(now_ms - worker->polls.answered_ms[queue]) / 1000);
}

static enum worker_phase phase_of(const struct worker *worker)
{
    switch (worker->shutdown.step) {
    case SHUTDOWN_NOT_BEGUN:
        return WORKER_RUNNING;
    case SHUTDOWN_OVER:
        return WORKER_STOPPED;
    default:
        return WORKER_DRAINING;
    }
}

static void publish(struct worker *worker)
{
    const struct polls *polls = &worker->polls;
    int64_t now = clock_monotonic_ms();
    pthread_mutex_lock(&worker->lock);
    struct worker_state *s = &worker->state;
    enum worker_phase before = s->phase;
    s->phase = phase_of(worker);
    s->turned_ms = now;
    int64_t busy_since = runners_busy_since(worker);
    s->busy_ms = busy_since ? now - busy_since : 0;
    say_what_is_missing(worker, now, s->missing, sizeof s->missing);
    s->ready = s->phase == WORKER_RUNNING && !*s->missing;
    s->workflows =
        (struct worker_figures){polls->workflow_slots.used, polls->workflow_slots.max,
                                polls_out(worker, POLL_NORMAL), polls->answered_ms[POLL_NORMAL]};
    s->sticky =
        (struct worker_figures){atomic_load(&worker->cached_runs), (int)worker->options.cache_size,
                                polls_out(worker, POLL_STICKY), polls->answered_ms[POLL_STICKY]};
    s->activities = (struct worker_figures){polls->activity_slots.used, polls->activity_slots.max,
                                            polls_out(worker, POLL_ACTIVITY),
                                            polls->answered_ms[POLL_ACTIVITY]};
    if (s->phase != before)
        pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

/* --- the thread --- */

static int64_t earlier(int64_t a, int64_t b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

static int64_t wake_ms(const struct worker *worker)
{
    int64_t due = earlier(alarms_next(&worker->alarms), shutdown_due(worker));
    return earlier(due, clock_monotonic_ms() + TURN_MS);
}

static void log_end(const struct worker *worker)
{
    char workflow_tasks[12];
    char activities[12];
    snprintf(workflow_tasks, sizeof workflow_tasks, "%d", worker->polls.workflow_slots.used);
    snprintf(activities, sizeof activities, "%d", worker->polls.activity_slots.used);
    log_event(LOG_INFO, "worker_stopped", "task_queue", worker->options.task_queue,
              "workflow_tasks", workflow_tasks, "activities", activities, NULL);
}

static void *turn(void *user)
{
    struct worker *worker = user;
    pthread_setname_np(pthread_self(), "desk");
    presence_begin(worker);
    while (worker->shutdown.step != SHUTDOWN_OVER) {
        polls_fill(worker, clock_monotonic_ms());
        publish(worker);
        struct letter *letters = mailbox_wait(&worker->box, wake_ms(worker));
        int64_t woke_us = clock_monotonic_us();
        notes_read(letters);
        alarms_ring(&worker->alarms, clock_monotonic_ms());
        shutdown_advance(worker, clock_monotonic_ms());
        metric_observe("signalroom_desk_turn_latency", "",
                       (double)(clock_monotonic_us() - woke_us) / 1e6);
    }
    publish(worker);
    log_end(worker);
    if (worker->options.stopped)
        worker->options.stopped(worker->options.user);
    return NULL;
}

bool desk_start(struct worker *worker, struct error *err)
{
    int code = pthread_create(&worker->thread, NULL, turn, worker);
    if (code)
        return error_set(err, ERROR_SYSTEM, "starting the worker's desk: %s", strerror(code));
    worker->running = true;
    return true;
}

void desk_join(struct worker *worker)
{
    if (worker->running)
        pthread_join(worker->thread, NULL);
    worker->running = false;
}

void desk_give_up(struct worker *worker, const struct error *why)
{
    pthread_mutex_lock(&worker->lock);
    bool first = worker->gave_up.kind == ERROR_NONE;
    if (first)
        worker->gave_up = *why;
    pthread_mutex_unlock(&worker->lock);
    if (first)
        log_event(LOG_ERROR, "worker_gave_up", "reason", why->text, NULL);
    shutdown_begin(worker);
}

void desk_send(struct worker *worker, struct note *note)
{
    mailbox_send(&worker->box, &note->letter);
}

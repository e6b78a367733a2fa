#include "worker/shutdown.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proto/proto.h"
#include "worker/desk.h"
#include "worker/runner.h"

enum {
    GOODBYE_MS = 3000,
    POLLS_MS = 5000,
    QUIET_MS = 1000,
    TASKS_MS = 10000,
    ANSWERS_MS = 60000,
    ABANDON_MS = 30000,
    HURRY_MS = 500
};

/* --- leave --- */

static void said_goodbye(struct exchange *exchange, struct rpc_reply *reply)
{
    (void)exchange;
    if (reply->status != RPC_OK)
        log_event(LOG_DEBUG, "goodbye_not_heard", "status", rpc_status_name(reply->status),
                  "reason", bytes_text(&reply->message), NULL);
}

static void say_goodbye(struct worker *worker)
{
    struct arena arena = {0};
    struct bytes body = {0};
    Tpb__Enums__TaskQueueType types[] = {
        TPB__ENUMS__TASK_QUEUE_TYPE__TASK_QUEUE_TYPE_WORKFLOW,
        TPB__ENUMS__TASK_QUEUE_TYPE__TASK_QUEUE_TYPE_ACTIVITY,
    };
    Tpb__Workflowservice__ShutdownWorkerRequest *request =
        proto_new(&tpb__workflowservice__shutdown_worker_request__descriptor, &arena);
    request->namespace_ = worker->options.space;
    request->sticky_task_queue = worker->sticky_queue ? worker->sticky_queue : "";
    request->identity = worker->options.identity;
    request->reason = "graceful shutdown";
    request->worker_instance_key = worker->instance_key;
    request->task_queue = worker->options.task_queue;
    request->task_queue_types = types;
    request->n_task_queue_types = 2;
    request->worker_heartbeat = presence_message(worker, &arena);
    proto_pack(request, &body);
    worker->shutdown.goodbye.box = &worker->box;
    worker->shutdown.goodbye.answered = said_goodbye;
    exchange_start(&worker->shutdown.goodbye, worker->options.rpc,
                   &(struct rpc_request){.method = "ShutdownWorker",
                                         .body = bytes_span(&body),
                                         .space = span_of(worker->options.space),
                                         .deadline_ms = GOODBYE_MS,
                                         .retry = RPC_ONCE});
    bytes_release(&body);
    arena_release(&arena);
}

static void leave(struct worker *worker)
{
    presence_stop(worker);
    runners_leave(worker);
    if (worker->facts.polls_complete_on_shutdown) {
        polls_close(worker);
        say_goodbye(worker);
    } else {
        polls_only_sticky(worker);
    }
}

static void part(struct worker *worker)
{
    if (!worker->facts.polls_complete_on_shutdown)
        say_goodbye(worker);
}

static bool left(const struct worker *worker)
{
    return !exchange_busy(&worker->shutdown.goodbye);
}

/* --- the other steps --- */

/* When nothing will have come for long enough. */
static int64_t quiet_ms(const struct worker *worker)
{
    int64_t entered = worker->shutdown.entered_ms;
    int64_t brought = worker->polls.brought_ms;
    return (brought > entered ? brought : entered) + QUIET_MS;
}

static bool polls_quiet(const struct worker *worker)
{
    return polls_idle(worker) ||
           (!worker->facts.polls_complete_on_shutdown && clock_monotonic_ms() >= quiet_ms(worker));
}

static bool tasks_done(const struct worker *worker)
{
    return worker->polls.workflow_slots.used == 0;
}

static bool activities_done(const struct worker *worker)
{
    return worker->activities.count == 0;
}

static bool activities_ended(const struct worker *worker)
{
    return worker->activities.executing == 0;
}

static bool answers_out(const struct worker *worker)
{
    return worker->activities.count == worker->activities.executing;
}

static void cancel_activities(struct worker *worker)
{
    activities_cancel(worker, ACTIVITY_WORKER_SHUTDOWN);
}

static void abandon(struct worker *worker)
{
    exchange_cancel(&worker->shutdown.goodbye);
    polls_cancel(worker);
    presence_stop(worker);
    runners_abandon(worker);
    activities_abandon(worker);
    activities_stop(worker);
}

static bool all_quiet(const struct worker *worker)
{
    return left(worker) && polls_idle(worker) && tasks_done(worker) && activities_done(worker) &&
           presence_quiet(worker);
}

/* Every call was cancelled and every script killed: what does not end now never will, and freeing
 * under it is worse than leaving at once. */
static void break_off(struct worker *worker)
{
    log_event(LOG_ERROR, "worker_stuck", "task_queue", worker->options.task_queue, NULL);
    _exit(EXIT_FAILURE);
}

static int64_t grace_ms(const struct worker *worker)
{
    return worker->options.graceful_timeout_ms;
}

static int64_t cancel_ms(const struct worker *worker)
{
    return worker->options.cancel_timeout_ms;
}

/* clang-format off */
static const struct {
    const char *name;
    void (*enter)(struct worker *worker);
    bool (*done)(const struct worker *worker);
    int64_t limit_ms;
    int64_t (*limit)(const struct worker *worker); /* instead of limit_ms */
    void (*late)(struct worker *worker);           /* at the deadline */
} steps[] = {
    [SHUTDOWN_LEAVE]   = {"leave",   leave,             left,             GOODBYE_MS + 500, NULL,      NULL},
    [SHUTDOWN_POLLS]   = {"polls",   NULL,              polls_quiet,      POLLS_MS,         NULL,      NULL},
    [SHUTDOWN_CANCEL]  = {"cancel",  polls_cancel,      polls_idle,       POLLS_MS,         NULL,      NULL},
    [SHUTDOWN_GOODBYE] = {"goodbye", part,              left,             GOODBYE_MS + 500, NULL,      NULL},
    [SHUTDOWN_TASKS]   = {"tasks",   NULL,              tasks_done,       TASKS_MS,         NULL,      NULL},
    [SHUTDOWN_GRACE]   = {"grace",   NULL,              activities_done,  0,                grace_ms,  NULL},
    [SHUTDOWN_END]     = {"end",     cancel_activities, activities_ended, 0,                cancel_ms, NULL},
    [SHUTDOWN_ANSWERS] = {"answers", NULL,              answers_out,      ANSWERS_MS,       NULL,      NULL},
    [SHUTDOWN_ABANDON] = {"abandon", abandon,           all_quiet,        ABANDON_MS,       NULL,      break_off},
};
/* clang-format on */

static int64_t hurried_limit(enum shutdown_step step, int64_t limit_ms)
{
    if (step == SHUTDOWN_GRACE)
        return 0;
    if (step == SHUTDOWN_ABANDON)
        return limit_ms;
    return limit_ms < HURRY_MS ? limit_ms : HURRY_MS;
}

static void enter(struct worker *worker, int64_t now_ms)
{
    struct shutdown *s = &worker->shutdown;
    s->step++;
    s->entered_ms = now_ms;
    if (s->step == SHUTDOWN_OVER)
        return;
    int64_t limit = steps[s->step].limit ? steps[s->step].limit(worker) : steps[s->step].limit_ms;
    s->deadline_ms = now_ms + (s->hurried ? hurried_limit(s->step, limit) : limit);
    char workflows[12];
    char activities[12];
    snprintf(workflows, sizeof workflows, "%d", worker->polls.workflow_slots.used);
    snprintf(activities, sizeof activities, "%zu", worker->activities.count);
    log_event(LOG_DEBUG, "worker_leaving", "step", steps[s->step].name, "workflow_tasks", workflows,
              "activities", activities, NULL);
    if (steps[s->step].enter)
        steps[s->step].enter(worker);
}

void shutdown_begin(struct worker *worker)
{
    struct shutdown *s = &worker->shutdown;
    if (s->step != SHUTDOWN_NOT_BEGUN)
        return;
    enter(worker, clock_monotonic_ms());
}

void shutdown_hurry(struct worker *worker)
{
    struct shutdown *s = &worker->shutdown;
    s->hurried = true;
    if (s->step == SHUTDOWN_NOT_BEGUN) {
        shutdown_begin(worker);
        return;
    }
    int64_t now = clock_monotonic_ms();
    int64_t soon = now + hurried_limit(s->step, s->deadline_ms - now);
    if (s->deadline_ms > soon)
        s->deadline_ms = soon;
}

void shutdown_advance(struct worker *worker, int64_t now_ms)
{
    struct shutdown *s = &worker->shutdown;
    while (s->step != SHUTDOWN_NOT_BEGUN && s->step != SHUTDOWN_OVER) {
        bool done = steps[s->step].done(worker);
        if (!done && now_ms < s->deadline_ms)
            return;
        if (!done && steps[s->step].late)
            steps[s->step].late(worker);
        enter(worker, now_ms);
    }
}

int64_t shutdown_due(const struct worker *worker)
{
    const struct shutdown *s = &worker->shutdown;
    if (s->step == SHUTDOWN_NOT_BEGUN || s->step == SHUTDOWN_OVER)
        return -1;
    bool until_quiet = s->step == SHUTDOWN_POLLS && !worker->facts.polls_complete_on_shutdown;
    return until_quiet && quiet_ms(worker) < s->deadline_ms ? quiet_ms(worker) : s->deadline_ms;
}

#include "worker/activities.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "proto/proto.h"
#include "worker/activity_answer.h"
#include "worker/desk.h"
#include "worker/edition.h"
#include "worker/label.h"
#include "worker/reload.h"
#include "worker/wire.h"

enum { BEAT_PAUSE_MS = 1000 };

/* --- heartbeats --- */

static void set_beat_alarm(struct activity_task *task)
{
    int64_t due = throttle_due(&task->throttle);
    if (due < 0 || task->ended || task->gone)
        alarm_clear(&task->worker->alarms, &task->beat_alarm);
    else
        alarm_set(&task->worker->alarms, &task->beat_alarm, due);
}

static void tell(struct activity_task *task, enum activity_cancel_reason reason)
{
    if (task->ended || task->worker->activities.abandoned || task->cancelled & 1u << reason)
        return;
    task->cancelled |= 1u << reason;
    activity_cancel(task->loop, task, reason);
}

/* Several may be asked for at once: a cancel outranks a reset, that a pause. */
static void obey(struct activity_task *task, const struct rpc_reply *reply)
{
    struct arena arena = {0};
    struct error err;
    const Tpb__Workflowservice__RecordActivityTaskHeartbeatResponse *answer =
        proto_unpack(&tpb__workflowservice__record_activity_task_heartbeat_response__descriptor,
                     bytes_span(&reply->body), &arena, &err);
    if (answer && answer->cancel_requested)
        tell(task, ACTIVITY_CANCEL_REQUESTED);
    else if (answer && answer->activity_reset)
        tell(task, ACTIVITY_RESET);
    else if (answer && answer->activity_paused)
        tell(task, ACTIVITY_PAUSED);
    arena_release(&arena);
}

static void beat_answered(struct exchange *exchange, struct rpc_reply *reply)
{
    struct activity_task *task = OWNER(exchange, struct activity_task, beat);
    if (reply->status == RPC_OK) {
        throttle_delivered(&task->throttle);
        task->unconfirmed = task->throttle.waiting;
        obey(task, reply);
    } else if (reply->status == RPC_NOT_FOUND) {
        throttle_delivered(&task->throttle);
        task->gone = true;
        tell(task, ACTIVITY_NOT_FOUND);
    } else {
        throttle_failed(&task->throttle, clock_monotonic_ms(), BEAT_PAUSE_MS);
        if (!reply->cancelled)
            log_event(LOG_WARNING, "heartbeat_not_delivered", "activity_type", task->type,
                      "workflow_id", task->workflow_id, "status", rpc_status_name(reply->status),
                      "reason", bytes_text(&reply->message), NULL);
    }
    if (task->ended)
        activity_answer_next(task);
    else
        set_beat_alarm(task);
}

void activity_beat_send(struct activity_task *task)
{
    struct worker *worker = task->worker;
    struct bytes body = {0};
    struct arena arena = {0};
    Tpb__Workflowservice__RecordActivityTaskHeartbeatRequest *request = proto_new(
        &tpb__workflowservice__record_activity_task_heartbeat_request__descriptor, &arena);
    request->task_token = wire_binary(task->token);
    request->identity = worker->options.identity;
    request->namespace_ = worker->options.space;
    proto_pack(request, &body);
    if (task->details.size)
        wire_add_message(&body, 2, bytes_span(&task->details));
    throttle_sent(&task->throttle, clock_monotonic_ms());
    exchange_start(&task->beat, worker->options.rpc,
                   &(struct rpc_request){.method = "RecordActivityTaskHeartbeat",
                                         .body = bytes_span(&body),
                                         .space = span_of(worker->options.space),
                                         .retry = RPC_CLIENT});
    arena_release(&arena);
    bytes_release(&body);
}

static void beat_is_due(struct alarm *alarm)
{
    activity_beat_send(OWNER(alarm, struct activity_task, beat_alarm));
}

static void read_beat(struct note *note)
{
    struct activity_task *task = OWNER(note, struct activity_task, beaten);
    pthread_mutex_lock(&task->lock);
    struct bytes old = task->details;
    task->beat_posted = false;
    task->details = task->fresh;
    task->fresh = old;
    pthread_mutex_unlock(&task->lock);
    task->unconfirmed = true;
    throttle_beat(&task->throttle);
    set_beat_alarm(task);
}

/* The loop's thread. */
static void heard_beat(void *user, void *key, struct span details)
{
    struct worker *worker = user;
    struct activity_task *task = key;
    pthread_mutex_lock(&task->lock);
    bool posted = task->beat_posted;
    task->beat_posted = true;
    bytes_clear(&task->fresh);
    bytes_add_span(&task->fresh, details);
    pthread_mutex_unlock(&task->lock);
    if (!posted)
        desk_send(worker, &task->beaten);
}

/* The loop's thread. */
static void heard_end(void *user, void *key, struct activity_outcome *outcome)
{
    struct worker *worker = user;
    struct activity_task *task = key;
    task->outcome = *outcome;
    *outcome = (struct activity_outcome){0};
    desk_send(worker, &task->finished);
}

static void read_end(struct note *note)
{
    struct activity_task *task = OWNER(note, struct activity_task, finished);
    task->worker->activities.executing--;
    task->ended = true;
    alarm_clear(&task->worker->alarms, &task->beat_alarm);
    activity_answer_begin(task);
}

/* --- arriving and leaving --- */

static int64_t duration_ms(const Gpb__Duration *duration)
{
    return duration ? duration->seconds * 1000 + duration->nanos / 1000000 : 0;
}

static int64_t between_ms(const Gpb__Timestamp *from, const Gpb__Timestamp *to)
{
    if (!from || !to)
        return 0;
    return (to->seconds - from->seconds) * 1000 + (to->nanos - from->nanos) / 1000000;
}

static int64_t deadline_of(const Tpb__Workflowservice__PollActivityTaskQueueResponse *poll,
                           const struct activity_task *task)
{
    int64_t start_to_close = duration_ms(poll->start_to_close_timeout);
    int64_t schedule_to_close = duration_ms(poll->schedule_to_close_timeout);
    int64_t left = start_to_close ? start_to_close : INT64_MAX / 2;
    if (schedule_to_close && schedule_to_close - task->waited_ms < left)
        left = schedule_to_close - task->waited_ms;
    return task->received_ms + left;
}

static void describe(struct activity_task *task,
                     const Tpb__Workflowservice__PollActivityTaskQueueResponse *poll)
{
    struct arena *arena = &task->arena;
    const char *workflow_type = poll->workflow_type ? poll->workflow_type->name : "";
    task->token.data = arena_copy(arena, poll->task_token.data, poll->task_token.len);
    task->token.size = poll->task_token.len;
    task->type = arena_copy_text(arena, poll->activity_type ? poll->activity_type->name : "");
    task->activity_id = arena_copy_text(arena, poll->activity_id);
    if (poll->workflow_execution) {
        task->workflow_id = arena_copy_text(arena, poll->workflow_execution->workflow_id);
        task->run_id = arena_copy_text(arena, poll->workflow_execution->run_id);
    }
    task->labels = label_add(arena, "", "activity_type", task->type);
    task->labels = label_add(arena, task->labels, "workflow_type", workflow_type);
    task->attempt = poll->attempt;
    task->received_ms = clock_monotonic_ms();
    task->waited_ms = between_ms(poll->scheduled_time, poll->started_time);
    task->deadline_ms = deadline_of(poll, task);
    throttle_init(&task->throttle, duration_ms(poll->heartbeat_timeout),
                  &(struct throttle_limits){task->worker->options.default_heartbeat_ms,
                                            task->worker->options.max_heartbeat_ms});
    metric_count("temporal_activity_task_received", task->labels, 1);
    metric_observe("temporal_activity_schedule_to_start_latency", task->labels,
                   (double)between_ms(poll->current_attempt_scheduled_time, poll->started_time) /
                       1000);
}

static struct activity_task *new_task(struct worker *worker)
{
    struct activities *all = &worker->activities;
    struct activity_task *task = memory_new(sizeof *task);
    task->worker = worker;
    task->finished.read = read_end;
    task->beaten.read = read_beat;
    task->beat.box = task->answer.box = &worker->box;
    task->beat.answered = beat_answered;
    task->beat_alarm.ring = beat_is_due;
    pthread_mutex_init(&task->lock, NULL);
    task->world = all->world;
    task->world->tasks++;
    task->loop = task->world->loops[task->world->turn++ % task->world->loop_count];
    task->next = all->first;
    if (all->first)
        all->first->previous = task;
    all->first = task;
    all->count++;
    return task;
}

/* Its last task is over, and no other will begin: who started it stops it. */
static void retire(struct activity_world *world)
{
    struct activity_world **link = &world->worker->activities.old;
    while (*link != world)
        link = &(*link)->next;
    *link = world->next;
    reload_send(world->worker, &world->retired);
}

static void leave_world(struct activity_world *world)
{
    if (--world->tasks == 0 && world != world->worker->activities.world)
        retire(world);
}

void activity_task_free(struct activity_task *task)
{
    struct worker *worker = task->worker;
    *(task->previous ? &task->previous->next : &worker->activities.first) = task->next;
    if (task->next)
        task->next->previous = task->previous;
    worker->activities.count--;
    leave_world(task->world);
    pthread_mutex_destroy(&task->lock);
    bytes_release(&task->fresh);
    bytes_release(&task->details);
    bytes_release(&task->outcome.body);
    arena_release(&task->arena);
    free(task);
    polls_task_done(worker, POLL_ACTIVITY);
}

void activities_accept(struct worker *worker, struct span packed)
{
    struct arena arena = {0};
    struct error err;
    const Tpb__Workflowservice__PollActivityTaskQueueResponse *poll = proto_unpack(
        &tpb__workflowservice__poll_activity_task_queue_response__descriptor, packed, &arena, &err);
    if (worker->activities.abandoned) {
        polls_task_done(worker, POLL_ACTIVITY); /* its loops are gone: the server finds another */
    } else if (poll) {
        struct activity_task *task = new_task(worker);
        describe(task, poll);
        worker->activities.executing++;
        activity_submit(task->loop, task, packed);
    } else {
        log_event(LOG_ERROR, "activity_task_malformed", "reason", err.text, NULL);
        polls_task_done(worker, POLL_ACTIVITY);
    }
    arena_release(&arena);
}

void activities_cancel(struct worker *worker, enum activity_cancel_reason reason)
{
    for (struct activity_task *task = worker->activities.first; task; task = task->next)
        tell(task, reason);
}

void activities_abandon(struct worker *worker)
{
    worker->activities.abandoned = true;
    for (struct activity_task *task = worker->activities.first, *next; task; task = next) {
        next = task->next;
        exchange_cancel(&task->beat);
        exchange_cancel(&task->answer);
        if (task->answer_alarm.place) {
            alarm_clear(&worker->alarms, &task->answer_alarm);
            activity_answer_next(task);
        }
    }
}

/* --- worlds --- */

static void read_retired(struct note *note)
{
    struct activity_world *world = (struct activity_world *)note;
    activity_world_stop(world);
    activity_world_free(world);
}

bool activity_world_start(struct activity_world **out, struct worker *worker,
                          struct edition *edition, struct error *err)
{
    size_t wanted = (size_t)worker->options.activity_loops;
    struct activity_world *world = memory_new(sizeof *world);
    const struct activity_options options = {
        .sources = edition->sources,
        .source_count = edition->source_count,
        .listener = {heard_end, heard_beat, worker}
    };
    world->retired.read = read_retired;
    world->worker = worker;
    world->edition = edition_hold(edition);
    world->loops = memory_new(wanted * sizeof(struct activity_loop *));
    while (world->loop_count < wanted) {
        if (!activity_loop_start(&world->loops[world->loop_count], &options, err)) {
            activity_world_stop(world);
            activity_world_free(world);
            return false;
        }
        world->loop_count++;
    }
    *out = world;
    return true;
}

void activity_world_stop(struct activity_world *world)
{
    for (size_t i = 0; i < world->loop_count; i++)
        activity_loop_stop(world->loops[i]);
    world->loop_count = 0;
}

void activity_world_free(struct activity_world *world)
{
    edition_release(world->edition);
    free(world->loops);
    free(world);
}

void activities_move(struct worker *worker, struct activity_world *world)
{
    struct activities *all = &worker->activities;
    struct activity_world *before = all->world;
    pthread_mutex_lock(&worker->lock);
    all->world = world;
    pthread_mutex_unlock(&worker->lock);
    if (!before)
        return;
    before->next = all->old;
    all->old = before;
    if (before->tasks == 0)
        retire(before);
}

void activities_stop(struct worker *worker)
{
    if (worker->activities.world)
        activity_world_stop(worker->activities.world);
    for (struct activity_world *world = worker->activities.old; world; world = world->next)
        activity_world_stop(world);
}

void activities_release(struct worker *worker)
{
    if (worker->activities.world)
        activity_world_free(worker->activities.world);
}

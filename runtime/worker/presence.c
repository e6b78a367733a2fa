#include "worker/presence.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proto/sdk.h"
#include "worker/desk.h"

enum { EVERY_MS = 60000, HOST_SIZE = 256 };

/* --- the message --- */

static Gpb__Timestamp *timestamp(struct arena *arena, int64_t wall_ms)
{
    Gpb__Timestamp *t = proto_new(&gpb__timestamp__descriptor, arena);
    t->seconds = wall_ms / 1000;
    t->nanos = (int32_t)(wall_ms % 1000) * 1000000;
    return t;
}

static Gpb__Duration *duration(struct arena *arena, int64_t ms)
{
    Gpb__Duration *d = proto_new(&gpb__duration__descriptor, arena);
    d->seconds = ms / 1000;
    d->nanos = (int32_t)(ms % 1000) * 1000000;
    return d;
}

static Tpb__Worker__WorkerHostInfo *host(const struct worker *worker, struct arena *arena)
{
    Tpb__Worker__WorkerHostInfo *h = proto_new(&tpb__worker__worker_host_info__descriptor, arena);
    char *name = arena_alloc(arena, HOST_SIZE);
    if (gethostname(name, HOST_SIZE - 1) == 0)
        h->host_name = name;
    h->worker_grouping_key = worker->presence.grouping_key;
    h->process_id = arena_printf(arena, "%d", (int)getpid());
    return h;
}

static Tpb__Worker__WorkerSlotsInfo *slots(const struct slots *s, struct arena *arena)
{
    Tpb__Worker__WorkerSlotsInfo *m = proto_new(&tpb__worker__worker_slots_info__descriptor, arena);
    m->slot_supplier_kind = "Fixed";
    m->current_used_slots = s->used;
    m->current_available_slots = s->max - s->used;
    m->total_processed_tasks = (int32_t)s->released;
    return m;
}

static Tpb__Worker__WorkerPollerInfo *poller(const struct worker *worker, enum poll_queue queue,
                                             struct arena *arena)
{
    Tpb__Worker__WorkerPollerInfo *m =
        proto_new(&tpb__worker__worker_poller_info__descriptor, arena);
    int64_t ago = clock_monotonic_ms() - worker->polls.answered_ms[queue];
    m->current_pollers = polls_out(worker, queue);
    m->last_successful_poll_time = timestamp(arena, clock_wall_ms() - ago);
    return m;
}

Tpb__Worker__WorkerHeartbeat *presence_message(struct worker *worker, struct arena *arena)
{
    Tpb__Worker__WorkerHeartbeat *m = proto_new(&tpb__worker__worker_heartbeat__descriptor, arena);
    int64_t now = clock_wall_ms();
    m->worker_instance_key = worker->instance_key;
    m->worker_identity = worker->options.identity;
    m->host_info = host(worker, arena);
    m->task_queue = worker->options.task_queue;
    m->sdk_name = SDK_NAME;
    m->sdk_version = SDK_VERSION;
    m->status = worker->shutdown.step == SHUTDOWN_NOT_BEGUN
                    ? TPB__ENUMS__WORKER_STATUS__WORKER_STATUS_RUNNING
                    : TPB__ENUMS__WORKER_STATUS__WORKER_STATUS_SHUTTING_DOWN;
    m->start_time = timestamp(arena, worker->started_ms);
    m->heartbeat_time = timestamp(arena, now);
    if (worker->presence.told_ms)
        m->elapsed_since_last_heartbeat = duration(arena, now - worker->presence.told_ms);
    m->workflow_task_slots_info = slots(&worker->polls.workflow_slots, arena);
    m->activity_task_slots_info = slots(&worker->polls.activity_slots, arena);
    m->activity_task_slots_info->total_failed_tasks = (int32_t)worker->activities.failed;
    m->workflow_poller_info = poller(worker, POLL_NORMAL, arena);
    m->workflow_sticky_poller_info = poller(worker, POLL_STICKY, arena);
    m->activity_poller_info = poller(worker, POLL_ACTIVITY, arena);
    m->total_sticky_cache_hit = atomic_load(&worker->cache_hits);
    m->total_sticky_cache_miss = atomic_load(&worker->cache_misses);
    m->current_sticky_cache_size = atomic_load(&worker->cached_runs);
    return m;
}

/* --- sending it --- */

static void told(struct exchange *exchange, struct rpc_reply *reply)
{
    struct presence *presence = OWNER(exchange, struct presence, exchange);
    if (reply->status == RPC_UNIMPLEMENTED)
        presence->stopped = true;
    else if (reply->status != RPC_OK && !reply->cancelled)
        log_event(LOG_DEBUG, "presence_not_told", "status", rpc_status_name(reply->status),
                  "reason", bytes_text(&reply->message), NULL);
    if (!presence->stopped)
        alarm_set(&presence->worker->alarms, &presence->alarm, clock_monotonic_ms() + EVERY_MS);
}

static void tell(struct alarm *alarm)
{
    struct presence *presence = OWNER(alarm, struct presence, alarm);
    struct worker *worker = presence->worker;
    struct arena arena = {0};
    struct bytes body = {0};
    Tpb__Worker__WorkerHeartbeat *messages[] = {presence_message(worker, &arena)};
    Tpb__Workflowservice__RecordWorkerHeartbeatRequest *request =
        proto_new(&tpb__workflowservice__record_worker_heartbeat_request__descriptor, &arena);
    request->namespace_ = worker->options.space;
    request->identity = worker->options.identity;
    request->worker_heartbeat = messages;
    request->n_worker_heartbeat = 1;
    proto_pack(request, &body);
    presence->told_ms = clock_wall_ms();
    exchange_start(&presence->exchange, worker->options.rpc,
                   &(struct rpc_request){.method = "RecordWorkerHeartbeat",
                                         .body = bytes_span(&body),
                                         .space = span_of(worker->options.space),
                                         .retry = RPC_ONCE});
    bytes_release(&body);
    arena_release(&arena);
}

void presence_begin(struct worker *worker)
{
    struct presence *presence = &worker->presence;
    uuid_make(presence->grouping_key);
    presence->worker = worker;
    presence->alarm.ring = tell;
    presence->exchange.box = &worker->box;
    presence->exchange.answered = told;
    if (worker->facts.worker_heartbeats)
        tell(&presence->alarm);
}

void presence_stop(struct worker *worker)
{
    worker->presence.stopped = true;
    alarm_clear(&worker->alarms, &worker->presence.alarm);
    exchange_cancel(&worker->presence.exchange);
}

bool presence_quiet(const struct worker *worker)
{
    return !exchange_busy(&worker->presence.exchange);
}

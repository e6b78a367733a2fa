#include "worker/poller.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "proto/proto.h"
#include "worker/desk.h"
#include "worker/peek.h"
#include "worker/runner.h"

enum { PAUSE_MS = 1000 };

static const struct {
    const char *method;
    const char *labels;
} queues[POLL_QUEUES] = {
    [POLL_NORMAL] = {"PollWorkflowTaskQueue", "poller_type=\"workflow_task\""       },
    [POLL_STICKY] = {"PollWorkflowTaskQueue", "poller_type=\"sticky_workflow_task\""},
    [POLL_ACTIVITY] = {"PollActivityTaskQueue", "poller_type=\"activity_task\""       },
};

static Tpb__Taskqueue__TaskQueue *queue_message(const struct worker *worker, enum poll_queue queue,
                                                struct arena *arena)
{
    Tpb__Taskqueue__TaskQueue *message = proto_new(&tpb__taskqueue__task_queue__descriptor, arena);
    message->name = worker->options.task_queue;
    message->kind = TPB__ENUMS__TASK_QUEUE_KIND__TASK_QUEUE_KIND_NORMAL;
    if (queue == POLL_STICKY) {
        message->name = worker->sticky_queue;
        message->kind = TPB__ENUMS__TASK_QUEUE_KIND__TASK_QUEUE_KIND_STICKY;
        message->normal_name = worker->options.task_queue;
    }
    return message;
}

static void pack_workflow_poll(struct worker *worker, enum poll_queue queue)
{
    struct arena arena = {0};
    Tpb__Workflowservice__PollWorkflowTaskQueueRequest *request =
        proto_new(&tpb__workflowservice__poll_workflow_task_queue_request__descriptor, &arena);
    request->namespace_ = worker->options.space;
    request->task_queue = queue_message(worker, queue, &arena);
    request->identity = worker->options.identity;
    request->worker_instance_key = worker->instance_key;
    proto_pack(request, &worker->polls.requests[queue]);
    arena_release(&arena);
}

static void pack_activity_poll(struct worker *worker)
{
    struct arena arena = {0};
    Tpb__Workflowservice__PollActivityTaskQueueRequest *request =
        proto_new(&tpb__workflowservice__poll_activity_task_queue_request__descriptor, &arena);
    request->namespace_ = worker->options.space;
    request->task_queue = queue_message(worker, POLL_ACTIVITY, &arena);
    request->identity = worker->options.identity;
    request->worker_instance_key = worker->instance_key;
    proto_pack(request, &worker->polls.requests[POLL_ACTIVITY]);
    arena_release(&arena);
}

static struct slots *slots_of(struct polls *polls, enum poll_queue queue)
{
    return queue == POLL_ACTIVITY ? &polls->activity_slots : &polls->workflow_slots;
}

static void note_slots(struct polls *polls, enum poll_queue queue)
{
    const struct slots *s = slots_of(polls, queue);
    const char *labels = queue == POLL_ACTIVITY ? "worker_type=\"ActivityWorker\""
                                                : "worker_type=\"WorkflowWorker\"";
    metric_set("temporal_worker_task_slots_used", labels, s->used);
    metric_set("temporal_worker_task_slots_available", labels, s->max - s->used);
}

static void send_poll(struct poller *poller, enum poll_queue queue)
{
    struct worker *worker = poller->worker;
    poller->queue = queue;
    poller->out = true;
    if (queue != POLL_ACTIVITY)
        balance_started(&worker->polls.balance, queue);
    metric_move("temporal_num_pollers", queues[queue].labels, 1);
    exchange_start(&poller->exchange, worker->options.rpc,
                   &(struct rpc_request){.method = queues[queue].method,
                                         .body = bytes_span(&worker->polls.requests[queue]),
                                         .space = span_of(worker->options.space),
                                         .retry = RPC_LONG_POLL});
}

void polls_task_came(struct worker *worker, enum poll_queue queue)
{
    worker->polls.brought_ms = clock_monotonic_ms();
    slots_use(slots_of(&worker->polls, queue));
    note_slots(&worker->polls, queue);
}

/* True when the reply brought a task; the slot is then the task's. */
static bool take_task(struct poller *poller, struct rpc_reply *reply)
{
    struct worker *worker = poller->worker;
    bool activity = poller->queue == POLL_ACTIVITY;
    struct peek peek = peek_workflow_task(bytes_span(&reply->body));
    if (poller->queue == POLL_STICKY)
        worker->polls.balance.sticky_backlog = peek.backlog;
    if (!peek.token.size) {
        metric_count(activity ? "temporal_activity_poll_no_task"
                              : "temporal_workflow_task_queue_poll_empty",
                     "", 1);
        return false;
    }
    polls_task_came(worker, poller->queue);
    if (activity) {
        activities_accept(worker, bytes_span(&reply->body));
    } else {
        metric_count("temporal_workflow_task_queue_poll_succeed", "", 1);
        runners_accept(worker, peek.run_id, &reply->body);
    }
    return true;
}

static void refuse(struct poller *poller, const struct rpc_reply *reply)
{
    struct worker *worker = poller->worker;
    struct error why = {0};
    rpc_reply_check(reply, queues[poller->queue].method, &why);
    if (reply->cancelled)
        return;
    if (rpc_reply_too_large(reply)) {
        log_event(LOG_ERROR, "task_too_large_to_receive", "reason", why.text, NULL);
        worker->polls.pause_until_ms = clock_monotonic_ms() + PAUSE_MS;
        return;
    }
    desk_give_up(worker, &why);
}

static void poll_answered(struct exchange *exchange, struct rpc_reply *reply)
{
    struct poller *poller = (struct poller *)exchange;
    struct polls *polls = &poller->worker->polls;
    bool took = false;
    poller->out = false;
    metric_move("temporal_num_pollers", queues[poller->queue].labels, -1);
    if (poller->queue != POLL_ACTIVITY)
        balance_ended(&polls->balance, poller->queue);
    if (reply->status == RPC_OK) {
        polls->answered_ms[poller->queue] = clock_monotonic_ms();
        took = take_task(poller, reply);
    } else {
        refuse(poller, reply);
    }
    if (!took)
        slots_give_back(slots_of(polls, poller->queue));
}

void polls_init(struct worker *worker)
{
    const struct worker_options *o = &worker->options;
    struct polls *polls = &worker->polls;
    polls->workflow_pollers = (size_t)o->workflow_polls;
    polls->count = polls->workflow_pollers + (size_t)o->activity_polls;
    polls->pollers = memory_new(polls->count * sizeof *polls->pollers);
    for (size_t i = 0; i < polls->count; i++) {
        polls->pollers[i].worker = worker;
        polls->pollers[i].exchange.box = &worker->box;
        polls->pollers[i].exchange.answered = poll_answered;
    }
    polls->balance = (struct balance){.max = (int)polls->workflow_pollers,
                                      .sticky = worker->sticky_queue != NULL,
                                      .last = POLL_STICKY};
    polls->workflow_slots.max = o->max_workflow_tasks;
    polls->activity_slots.max = o->max_activities;
    pack_workflow_poll(worker, POLL_NORMAL);
    if (worker->sticky_queue)
        pack_workflow_poll(worker, POLL_STICKY);
    pack_activity_poll(worker);
    for (enum poll_queue queue = POLL_NORMAL; queue <= POLL_ACTIVITY; queue++) {
        polls->answered_ms[queue] = clock_monotonic_ms();
        note_slots(polls, queue);
    }
}

static void fill_one(struct worker *worker, struct poller *poller, bool for_workflows)
{
    struct polls *polls = &worker->polls;
    enum poll_queue queue = POLL_ACTIVITY;
    if (!(for_workflows ? polls->workflows : polls->activities))
        return;
    if (for_workflows && !balance_choose(&polls->balance, &queue))
        return;
    if (polls->phase == POLLS_STICKY)
        queue = POLL_STICKY;
    if (slots_reserve(slots_of(polls, queue)))
        send_poll(poller, queue);
}

/* A poller that asked the sticky queue goes on with it; the others have done their work. */
static bool may_poll(const struct polls *polls, const struct poller *poller)
{
    return polls->phase == POLLS_OPEN || poller->queue == POLL_STICKY;
}

void polls_fill(struct worker *worker, int64_t now_ms)
{
    struct polls *polls = &worker->polls;
    if (polls->phase == POLLS_CLOSED || now_ms < polls->pause_until_ms)
        return;
    for (size_t i = 0; i < polls->count; i++)
        if (!polls->pollers[i].out && may_poll(polls, &polls->pollers[i]))
            fill_one(worker, &polls->pollers[i], i < polls->workflow_pollers);
}

void polls_task_done(struct worker *worker, enum poll_queue queue)
{
    slots_release(slots_of(&worker->polls, queue));
    note_slots(&worker->polls, queue);
}

void polls_only_sticky(struct worker *worker)
{
    worker->polls.phase = POLLS_STICKY;
}

void polls_close(struct worker *worker)
{
    worker->polls.phase = POLLS_CLOSED;
}

void polls_cancel(struct worker *worker)
{
    polls_close(worker);
    for (size_t i = 0; i < worker->polls.count; i++)
        exchange_cancel(&worker->polls.pollers[i].exchange);
}

int polls_out(const struct worker *worker, enum poll_queue queue)
{
    int out = 0;
    for (size_t i = 0; i < worker->polls.count; i++)
        out += worker->polls.pollers[i].out && worker->polls.pollers[i].queue == queue;
    return out;
}

bool polls_idle(const struct worker *worker)
{
    for (size_t i = 0; i < worker->polls.count; i++)
        if (worker->polls.pollers[i].out)
            return false;
    return true;
}

void polls_release(struct worker *worker)
{
    for (enum poll_queue queue = POLL_NORMAL; queue <= POLL_ACTIVITY; queue++)
        bytes_release(&worker->polls.requests[queue]);
    free(worker->polls.pollers);
}

#include "worker/workflow_task.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "worker/desk.h"
#include "worker/label.h"
#include "worker/wire.h"

/* A server takes requests of up to 4 MiB; what is left is for the frame and the headers. */
enum { REQUEST_LIMIT = (4 << 20) - (16 << 10) };

struct workflow_task *workflow_task_new(struct runner *runner, struct bytes *packed)
{
    struct workflow_task *task = memory_new(sizeof *task);
    task->runner = runner;
    task->packed = *packed;
    *packed = (struct bytes){0};
    task->peek = peek_workflow_task(bytes_span(&task->packed));
    task->exchange.box = &runner->box;
    return task;
}

void workflow_task_free(struct workflow_task *task)
{
    arena_release(&task->arena);
    bytes_release(&task->packed);
    bytes_release(&task->reply);
    free(task);
}

bool workflow_task_is_query(const struct workflow_task *task)
{
    return task->poll->query != NULL;
}

struct span workflow_task_run_id(const struct workflow_task *task)
{
    return span_of(task->poll->workflow_execution->run_id);
}

/* --- arriving --- */

static bool check(const Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll,
                  struct error *err)
{
    if (!poll->workflow_execution || !*poll->workflow_execution->workflow_id ||
        !*poll->workflow_execution->run_id)
        return error_set(err, ERROR_MALFORMED, "a workflow task without workflow and run id");
    if (!poll->workflow_type || !*poll->workflow_type->name)
        return error_set(err, ERROR_MALFORMED, "a workflow task without workflow type");
    if (poll->query && poll->n_queries)
        return error_set(err, ERROR_MALFORMED, "a workflow task with queries of both kinds");
    return true;
}

static bool adopt(struct workflow_task *task,
                  Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll, struct error *err)
{
    if (!check(poll, err))
        return false;
    if (!poll->history)
        poll->history = proto_new(&tpb__history__history__descriptor, &task->arena);
    task->poll = poll;
    task->labels = label_add(&task->arena, "", "workflow_type", poll->workflow_type->name);
    return true;
}

bool workflow_task_open(struct workflow_task *task, struct error *err)
{
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll =
        proto_unpack(&tpb__workflowservice__poll_workflow_task_queue_response__descriptor,
                     bytes_span(&task->packed), &task->arena, err);
    return poll && adopt(task, poll, err);
}

/* --- answering --- */

static void finish(struct workflow_task *task, bool evict)
{
    if (task->held)
        workflow_end(task->held->run);
    runner_finished(task->runner, task, evict);
}

static void send(struct workflow_task *task, const char *method, struct span body,
                 void (*answered)(struct exchange *, struct rpc_reply *))
{
    const struct worker_options *o = &task->runner->worker->options;
    task->exchange.answered = answered;
    exchange_start(
        &task->exchange, o->rpc,
        &(struct rpc_request){
            .method = method, .body = body, .space = span_of(o->space), .retry = RPC_TASK});
}

static void note_refusal(const struct workflow_task *task, const struct rpc_reply *reply,
                         const char *event)
{
    bool gone = reply->status == RPC_NOT_FOUND || reply->status == RPC_INVALID_ARGUMENT;
    log_event(gone ? LOG_DEBUG : LOG_WARNING, event, "workflow_type",
              task->poll ? task->poll->workflow_type->name : NULL, "workflow_id",
              task->poll ? task->poll->workflow_execution->workflow_id : NULL, "status",
              rpc_status_name(reply->status), "reason", bytes_text(&reply->message), NULL);
}

static void failure_answered(struct exchange *exchange, struct rpc_reply *reply)
{
    struct workflow_task *task = OWNER(exchange, struct workflow_task, exchange);
    if (reply->status != RPC_OK)
        note_refusal(task, reply, "workflow_task_failure_refused");
    finish(task, true);
}

static void query_answered(struct exchange *exchange, struct rpc_reply *reply)
{
    struct workflow_task *task = OWNER(exchange, struct workflow_task, exchange);
    if (reply->status != RPC_OK)
        note_refusal(task, reply, "query_answer_refused");
    finish(task, task->answer.evict);
}

struct task_failure {
    Tpb__Enums__WorkflowTaskFailedCause cause;
    const char *type;
    const char *message;
};

static void send_failure(struct workflow_task *task, const struct task_failure *f)
{
    const struct worker_options *o = &task->runner->worker->options;
    struct arena *arena = &task->arena;
    Tpb__Failure__ApplicationFailureInfo *application =
        proto_new(&tpb__failure__application_failure_info__descriptor, arena);
    application->type = f->type;
    Tpb__Failure__Failure *failure = proto_new(&tpb__failure__failure__descriptor, arena);
    failure->message = f->message;
    failure->source = "SignalRoom";
    failure->failure_info_case = TPB__FAILURE__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO;
    failure->application_failure_info = application;
    Tpb__Workflowservice__RespondWorkflowTaskFailedRequest *request =
        proto_new(&tpb__workflowservice__respond_workflow_task_failed_request__descriptor, arena);
    request->task_token = wire_binary(task->peek.token);
    request->cause = f->cause;
    request->failure = failure;
    request->identity = o->identity;
    request->namespace_ = o->space;
    struct bytes body = {0};
    proto_pack(request, &body);
    send(task, "RespondWorkflowTaskFailed", bytes_span(&body), failure_answered);
    bytes_release(&body);
}

static void fail_too_large(struct workflow_task *task, size_t size)
{
    /* Not GRPC_MESSAGE_TOO_LARGE: on that cause the server terminates the workflow. This one fails
     * the task alone, so that a change of the script can still save the run. */
    struct task_failure f = {
        TPB__ENUMS__WORKFLOW_TASK_FAILED_CAUSE__WORKFLOW_TASK_FAILED_CAUSE_PAYLOADS_TOO_LARGE,
        "GrpcMessageTooLarge",
        arena_printf(&task->arena,
                     "[TMPRL1103] the commands of this workflow task take %zu bytes, more than the "
                     "server accepts in one request (4 MiB): pass less, or in smaller parts",
                     size)};
    log_event(LOG_ERROR, "workflow_task_too_large", "workflow_type",
              task->poll->workflow_type->name, "workflow_id",
              task->poll->workflow_execution->workflow_id, "reason", f.message, NULL);
    metric_count("temporal_workflow_task_execution_failed",
                 label_add(&task->arena, task->labels, "failure_reason", "GrpcMessageTooLarge"), 1);
    if (task->peek.attempt > 1)
        finish(task, true);
    else
        send_failure(task, &f);
}

void workflow_task_refuse(struct workflow_task *task, const struct error *why)
{
    log_event(LOG_ERROR, "workflow_task_malformed", "reason", why->text, NULL);
    if (task->peek.query || task->peek.attempt > 1) {
        finish(task, true);
        return;
    }
    send_failure(
        task,
        &(struct task_failure){
            TPB__ENUMS__WORKFLOW_TASK_FAILED_CAUSE__WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
            "MalformedTask", arena_copy_text(&task->arena, why->text)});
}

/* The run's next task, when the server had one at hand. */
static struct workflow_task *follower_of(struct workflow_task *task, const struct rpc_reply *reply)
{
    struct bytes nothing = {0};
    struct workflow_task *follower = workflow_task_new(task->runner, &nothing);
    struct error err;
    Tpb__Workflowservice__RespondWorkflowTaskCompletedResponse *response =
        proto_unpack(&tpb__workflowservice__respond_workflow_task_completed_response__descriptor,
                     bytes_span(&reply->body), &follower->arena, &err);
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll =
        response ? response->workflow_task : NULL;
    if (poll && poll->task_token.len && adopt(follower, poll, &err)) {
        follower->peek.token = (struct span){(char *)poll->task_token.data, poll->task_token.len};
        follower->peek.attempt = poll->attempt;
        return follower;
    }
    workflow_task_free(follower);
    return NULL;
}

static void note_ending(const struct workflow_task *task)
{
    const struct held_run *held = task->held;
    if (!task->answer.outcome)
        return;
    metric_count(arena_printf(&((struct workflow_task *)task)->arena, "temporal_workflow_%s",
                              task->answer.outcome),
                 task->labels, 1);
    if (held->started_ms)
        metric_observe("temporal_workflow_endtoend_latency", task->labels,
                       (double)(clock_wall_ms() - held->started_ms) / 1000);
}

static void completion_answered(struct exchange *exchange, struct rpc_reply *reply)
{
    struct workflow_task *task = OWNER(exchange, struct workflow_task, exchange);
    if (rpc_reply_too_large(reply)) {
        fail_too_large(task, task->answer.body.size);
        return;
    }
    if (reply->status != RPC_OK) {
        note_refusal(task, reply, "workflow_task_completion_refused");
        finish(task, true);
        return;
    }
    note_ending(task);
    bool evict = task->answer.evict || task->answer.closes;
    if (!evict && reply->body.size)
        task->follower = follower_of(task, reply);
    if (task->eager) {
        task->reply = reply->body;
        reply->body = (struct bytes){0};
    }
    finish(task, evict);
}

static void complete(struct workflow_task *task)
{
    struct worker *worker = task->runner->worker;
    struct bytes body = {0};
    if (task->answer.body.size > REQUEST_LIMIT) {
        fail_too_large(task, task->answer.body.size);
        return;
    }
    /* Fields packed behind a message belong to it. */
    Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest *more = proto_new(
        &tpb__workflowservice__respond_workflow_task_completed_request__descriptor, &task->arena);
    more->worker_instance_key = worker->instance_key;
    bytes_add_span(&body, task->answer.body);
    proto_pack(more, &body);
    send(task, "RespondWorkflowTaskCompleted", bytes_span(&body), completion_answered);
    bytes_release(&body);
}

static void note_failure(struct workflow_task *task)
{
    const struct workflow_answer *answer = &task->answer;
    if (!answer->failure_reason)
        return;
    struct log_field fields[] = {
        {SPAN("workflow_type"), span_of(task->poll->workflow_type->name),             false},
        {SPAN("workflow_id"),   span_of(task->poll->workflow_execution->workflow_id), false},
        {SPAN("run_id"),        span_of(task->poll->workflow_execution->run_id),      false},
        {SPAN("reason"),        span_of(answer->failure_reason),                      false},
        {SPAN("error"),         answer->error,                                        false},
    };
    log_fields(LOG_WARNING, SPAN("workflow_task_failed"), fields, sizeof fields / sizeof *fields);
    metric_count("temporal_workflow_task_execution_failed",
                 label_add(&task->arena, task->labels, "failure_reason", answer->failure_reason),
                 1);
}

static void answer(struct workflow_task *task)
{
    metric_observe("temporal_workflow_task_execution_latency", task->labels,
                   (double)(clock_monotonic_us() - task->begun_us) / 1e6);
    if (task->rebuilds)
        metric_observe("temporal_workflow_task_replay_latency", task->labels,
                       (double)task->worked_us / 1e6);
    note_failure(task);
    switch (task->answer.kind) {
    case ANSWER_NOTHING:
        metric_count("temporal_workflow_task_no_completion", task->labels, 1);
        finish(task, true);
        break;
    case ANSWER_COMPLETED:
        complete(task);
        break;
    case ANSWER_FAILED:
        send(task, "RespondWorkflowTaskFailed", task->answer.body, failure_answered);
        break;
    case ANSWER_QUERY:
        send(task, "RespondQueryTaskCompleted", task->answer.body, query_answered);
        break;
    }
}

/* --- working --- */

static void advance(struct workflow_task *task);

static void page_arrived(struct exchange *exchange, struct rpc_reply *reply)
{
    struct workflow_task *task = OWNER(exchange, struct workflow_task, exchange);
    struct error why = {0};
    Tpb__Workflowservice__GetWorkflowExecutionHistoryResponse *page = NULL;
    if (rpc_reply_check(reply, "GetWorkflowExecutionHistory", &why))
        page =
            proto_unpack(&tpb__workflowservice__get_workflow_execution_history_response__descriptor,
                         bytes_span(&reply->body), &task->arena, &why);
    if (!page) {
        /* The server gives the task to somebody once it has timed out. */
        log_event(reply->status == RPC_NOT_FOUND ? LOG_DEBUG : LOG_WARNING, "history_not_fetched",
                  "workflow_id", task->poll->workflow_execution->workflow_id, "reason", why.text,
                  NULL);
        finish(task, true);
        return;
    }
    workflow_page(task->held->run, page);
    advance(task);
}

static void fetch_page(struct workflow_task *task)
{
    const struct worker_options *o = &task->runner->worker->options;
    Tpb__Workflowservice__GetWorkflowExecutionHistoryRequest *request = proto_new(
        &tpb__workflowservice__get_workflow_execution_history_request__descriptor, &task->arena);
    request->namespace_ = o->space;
    request->execution = task->poll->workflow_execution;
    request->next_page_token = wire_binary(task->answer.page_token);
    struct bytes body = {0};
    proto_pack(request, &body);
    task->exchange.answered = page_arrived;
    exchange_start(&task->exchange, o->rpc,
                   &(struct rpc_request){.method = "GetWorkflowExecutionHistory",
                                         .body = bytes_span(&body),
                                         .space = span_of(o->space),
                                         .retry = RPC_CLIENT});
    bytes_release(&body);
}

static void advance(struct workflow_task *task)
{
    int64_t from_us = clock_monotonic_us();
    task->answer = (struct workflow_answer){0};
    task->runner->offered = 0;
    enum workflow_step next = workflow_step(task->held->run, &task->answer);
    task->eager = task->runner->offered;
    task->worked_us += clock_monotonic_us() - from_us;
    if (next == WORKFLOW_NEEDS_PAGE)
        fetch_page(task);
    else
        answer(task);
}

static double seconds_between(const Gpb__Timestamp *from, const Gpb__Timestamp *to)
{
    if (!from || !to)
        return 0;
    return (double)(to->seconds - from->seconds) + (double)(to->nanos - from->nanos) / 1e9;
}

static void note_start(struct workflow_task *task)
{
    const Tpb__History__History *history = task->poll->history;
    metric_observe("temporal_workflow_task_schedule_to_start_latency", "",
                   seconds_between(task->poll->scheduled_time, task->poll->started_time));
    if (history->n_events && history->events[0]->event_id == 1 && history->events[0]->event_time)
        task->held->started_ms = history->events[0]->event_time->seconds * 1000 +
                                 history->events[0]->event_time->nanos / 1000000;
}

void workflow_task_begin(struct workflow_task *task)
{
    task->begun_us = clock_monotonic_us();
    note_start(task);
    workflow_begin(task->held->run, &task->arena, task->poll);
    advance(task);
}

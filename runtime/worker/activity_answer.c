#include "worker/activity_answer.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "proto/proto.h"
#include "worker/desk.h"
#include "worker/wire.h"

enum { ANSWER_PAUSE_MS = 1000, REQUEST_LIMIT = (4 << 20) - (16 << 10) };

/* Field numbers that the three Respond... requests share, and one of the failed one's. */
enum { LAST_HEARTBEAT_DETAILS = 5 };

static const char *const methods[] = {
    [ACTIVITY_COMPLETED] = "RespondActivityTaskCompleted",
    [ACTIVITY_FAILED] = "RespondActivityTaskFailed",
    [ACTIVITY_CANCELED] = "RespondActivityTaskCanceled",
};

/* --- what is said about it here --- */

static double seconds_since(int64_t then_ms)
{
    return (double)(clock_monotonic_ms() - then_ms) / 1000;
}

/* Failures that the script calls benign are no news. */
static void note_failure(struct activity_task *task)
{
    struct error err;
    const Tpb__Workflowservice__RespondActivityTaskFailedRequest *request =
        proto_unpack(&tpb__workflowservice__respond_activity_task_failed_request__descriptor,
                     bytes_span(&task->outcome.body), &task->arena, &err);
    const Tpb__Failure__Failure *failure = request ? request->failure : NULL;
    bool typed = failure && failure->failure_info_case ==
                                TPB__FAILURE__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO;
    bool benign =
        typed && failure->application_failure_info->category ==
                     TPB__ENUMS__APPLICATION_ERROR_CATEGORY__APPLICATION_ERROR_CATEGORY_BENIGN;
    char attempt[12];
    snprintf(attempt, sizeof attempt, "%d", task->attempt);
    log_event(benign ? LOG_DEBUG : LOG_WARNING, "activity_failed", "activity_type", task->type,
              "activity_id", task->activity_id, "workflow_id", task->workflow_id, "run_id",
              task->run_id, "attempt", attempt, "error_type",
              typed ? failure->application_failure_info->type : NULL, "error",
              failure ? failure->message : NULL, NULL);
    if (benign)
        return;
    metric_count("temporal_activity_execution_failed", task->labels, 1);
    task->worker->activities.failed++;
}

static void note_outcome(struct activity_task *task)
{
    metric_observe("temporal_activity_execution_latency", task->labels,
                   seconds_since(task->received_ms));
    if (task->outcome.kind == ACTIVITY_FAILED)
        note_failure(task);
    if (task->outcome.kind == ACTIVITY_COMPLETED)
        metric_observe("temporal_activity_succeed_endtoend_latency", task->labels,
                       (double)task->waited_ms / 1000 + seconds_since(task->received_ms));
}

static void note_lost(const struct activity_task *task, const struct rpc_reply *reply)
{
    log_event(LOG_ERROR, "activity_answer_lost", "activity_type", task->type, "activity_id",
              task->activity_id, "workflow_id", task->workflow_id, "run_id", task->run_id, "status",
              rpc_status_name(reply->status), "reason", bytes_text(&reply->message), NULL);
}

/* --- sending it --- */

static void answer_answered(struct exchange *exchange, struct rpc_reply *reply);

static void send(struct activity_task *task)
{
    struct worker *worker = task->worker;
    struct arena arena = {0};
    struct bytes body = {0};
    bool failed = task->outcome.kind == ACTIVITY_FAILED;
    /* Token, identity and namespace are the same fields of all three requests. */
    Tpb__Workflowservice__RespondActivityTaskCompletedRequest *more = proto_new(
        &tpb__workflowservice__respond_activity_task_completed_request__descriptor, &arena);
    more->task_token = wire_binary(task->token);
    more->identity = worker->options.identity;
    more->namespace_ = worker->options.space;
    bytes_add_span(&body, bytes_span(&task->outcome.body));
    proto_pack(more, &body);
    if (failed && task->unconfirmed && task->details.size)
        wire_add_message(&body, LAST_HEARTBEAT_DETAILS, bytes_span(&task->details));
    task->answer.answered = answer_answered;
    exchange_start(&task->answer, worker->options.rpc,
                   &(struct rpc_request){.method = methods[task->outcome.kind],
                                         .body = bytes_span(&body),
                                         .space = span_of(worker->options.space),
                                         .retry = RPC_TASK});
    bytes_release(&body);
    arena_release(&arena);
}

/* `message` comes from the task's arena. */
static void replace_by_failure(struct activity_task *task, const char *type, const char *message)
{
    struct arena *arena = &task->arena;
    Tpb__Failure__ApplicationFailureInfo *application =
        proto_new(&tpb__failure__application_failure_info__descriptor, arena);
    application->type = type;
    Tpb__Failure__Failure *failure = proto_new(&tpb__failure__failure__descriptor, arena);
    failure->message = message;
    failure->source = "SignalRoom";
    failure->failure_info_case = TPB__FAILURE__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO;
    failure->application_failure_info = application;
    Tpb__Workflowservice__RespondActivityTaskFailedRequest *request =
        proto_new(&tpb__workflowservice__respond_activity_task_failed_request__descriptor, arena);
    request->failure = failure;
    bytes_clear(&task->outcome.body);
    proto_pack(request, &task->outcome.body);
    task->outcome.kind = ACTIVITY_FAILED;
}

static void replace_too_large(struct activity_task *task, size_t size, size_t limit)
{
    replace_by_failure(task, "PayloadsTooLarge",
                       arena_printf(&task->arena,
                                    "[TMPRL1103] what this activity gave back takes %zu bytes, "
                                    "more than the server accepts (%zu)",
                                    size, limit));
}

/* Once: the answer would be lost, and the workflow would wait until the activity times out. */
static void replace_refused(struct activity_task *task, const struct rpc_reply *reply)
{
    const char *reason = arena_copy_text(&task->arena, bytes_text(&reply->message));
    log_event(LOG_ERROR, "activity_answer_refused", "activity_type", task->type, "activity_id",
              task->activity_id, "workflow_id", task->workflow_id, "run_id", task->run_id, "reason",
              reason, NULL);
    task->refused = true;
    replace_by_failure(
        task, "AnswerRefused",
        arena_printf(&task->arena, "the server refused what this activity gave back: %s", reason));
}

static void try_again(struct alarm *alarm)
{
    activity_answer_next(OWNER(alarm, struct activity_task, answer_alarm));
}

static void answer_answered(struct exchange *exchange, struct rpc_reply *reply)
{
    struct activity_task *task = OWNER(exchange, struct activity_task, answer);
    int64_t now = clock_monotonic_ms();
    bool small = task->outcome.body.size < 64 * 1024;
    if (rpc_reply_too_large(reply) && !small) {
        replace_too_large(task, task->outcome.body.size, REQUEST_LIMIT);
        send(task);
        return;
    }
    if (reply->status == RPC_INVALID_ARGUMENT && !task->refused) {
        replace_refused(task, reply);
        send(task);
        return;
    }
    if (exchange_transient(reply) && now < task->deadline_ms &&
        !task->worker->activities.abandoned) {
        task->answer_alarm.ring = try_again;
        alarm_set(&task->worker->alarms, &task->answer_alarm, now + ANSWER_PAUSE_MS);
        return;
    }
    if (reply->status != RPC_OK && reply->status != RPC_NOT_FOUND)
        note_lost(task, reply);
    task->gone = true;
    activity_answer_next(task);
}

void activity_answer_next(struct activity_task *task)
{
    bool failed = task->outcome.kind == ACTIVITY_FAILED;
    bool details_go_along = failed && task->worker->facts.heartbeat_in_failure;
    if (exchange_busy(&task->answer) || exchange_busy(&task->beat))
        return;
    if (task->gone || task->worker->activities.abandoned) {
        activity_task_free(task);
    } else if (task->unconfirmed && task->outcome.kind != ACTIVITY_COMPLETED && !details_go_along &&
               !task->flushed) {
        task->flushed = true;
        activity_beat_send(task);
    } else {
        send(task);
    }
}

void activity_answer_begin(struct activity_task *task)
{
    size_t limit = task->worker->facts.payload_limit;
    note_outcome(task);
    if (task->outcome.kind == ACTIVITY_DROPPED)
        task->gone = true;
    else if (task->outcome.body.size > limit)
        replace_too_large(task, task->outcome.body.size, limit);
    if (task->gone || task->outcome.kind == ACTIVITY_COMPLETED)
        exchange_cancel(&task->beat);
    activity_answer_next(task);
}

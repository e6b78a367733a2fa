/*
 * What the server hears at the end of a task: a completion, a failed task, a query's result, or
 * nothing (docs/protocol.md, Answers of workflow tasks). Sizes are checked before anything is sent,
 * because a server that receives too large a payload terminates the workflow.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/sdk.h"
#include "workflow/inside.h"
#include "workflow/wire.h"

enum { BODY_SIZE_MAX = 3584 << 10, FAILURE_TEXT_MAX = 4096 };

#define CAUSE(name) TPB__ENUMS__WORKFLOW_TASK_FAILED_CAUSE__WORKFLOW_TASK_FAILED_CAUSE_##name

/* --- refusals --- */

bool refuse_with(struct workflow_run *run, Tpb__Enums__WorkflowTaskFailedCause cause,
                 Tpb__Failure__Failure *failure, const char *reason)
{
    struct refusal *refusal = arena_alloc(run->arena, sizeof *refusal);

    *refusal = (struct refusal){.cause = cause, .failure = failure, .reason = reason};
    run->refusal = refusal;
    return false;
}

Tpb__Failure__Failure *refusal_failure(struct arena *arena, const char *type, const char *message)
{
    Tpb__Failure__Failure *failure = proto_new(&tpb__failure__failure__descriptor, arena);
    Tpb__Failure__ApplicationFailureInfo *application =
        proto_new(&tpb__failure__application_failure_info__descriptor, arena);

    failure->message = arena_copy_text(arena, message);
    failure->source = "LuaSDK";
    failure->failure_info_case = TPB__FAILURE__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO;
    failure->application_failure_info = application;
    application->type = type;
    return failure;
}

bool refuse(struct workflow_run *run, const struct error *err)
{
    bool nondeterminism = err->kind == ERROR_HISTORY;

    refuse_with(run,
                nondeterminism ? CAUSE(NON_DETERMINISTIC_ERROR)
                               : CAUSE(WORKFLOW_WORKER_UNHANDLED_FAILURE),
                refusal_failure(run->arena,
                                nondeterminism ? "NondeterminismError" : error_kind_name(err->kind),
                                err->text),
                nondeterminism ? "NonDeterminismError" : "WorkflowError");
    run->refusal->doubtful = err->kind == ERROR_MALFORMED;
    return false;
}

static bool refuse_size(struct workflow_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse_size(struct workflow_run *run, const char *format, ...)
{
    char text[FAILURE_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return refuse_with(run, CAUSE(PAYLOADS_TOO_LARGE),
                       refusal_failure(run->arena, "PayloadsTooLarge", text), "PayloadsTooLarge");
}

/* --- bodies --- */

static ProtobufCBinaryData token_of(const struct workflow_run *run)
{
    return run->task->task_token;
}

static struct span pack(struct workflow_run *run, const void *message)
{
    struct bytes body = {0};

    proto_pack(message, &body);
    struct span packed = {arena_copy(run->arena, body.data ? body.data : "", body.size), body.size};
    bytes_release(&body);
    return packed;
}

static bool is_utf8(struct workflow_run *run, const void *message)
{
    struct error err = {0};

    return proto_check_utf8(message, &err) || refuse(run, &err);
}

static Tpb__Taskqueue__StickyExecutionAttributes *sticky(const struct workflow_run *run)
{
    const struct workflow_options *o = host_options(run->host);
    const Tpb__Taskqueue__TaskQueue *polled = run->task->workflow_execution_task_queue;
    Tpb__Taskqueue__StickyExecutionAttributes *attributes;
    Gpb__Duration *timeout;

    if (!o->sticky_queue)
        return NULL;
    attributes = proto_new(&tpb__taskqueue__sticky_execution_attributes__descriptor, run->arena);
    attributes->worker_task_queue = proto_new(&tpb__taskqueue__task_queue__descriptor, run->arena);
    attributes->worker_task_queue->name = o->sticky_queue;
    attributes->worker_task_queue->kind = TPB__ENUMS__TASK_QUEUE_KIND__TASK_QUEUE_KIND_STICKY;
    attributes->worker_task_queue->normal_name = polled ? polled->name : o->task_queue;
    timeout = proto_new(&gpb__duration__descriptor, run->arena);
    timeout->seconds = o->sticky_timeout_ms / 1000;
    timeout->nanos = o->sticky_timeout_ms % 1000 * 1000000;
    attributes->schedule_to_start_timeout = timeout;
    return attributes;
}

/* Only what history does not know yet. */
static Tpb__Sdk__WorkflowTaskCompletedMetadata *metadata(const struct workflow_run *run,
                                                         const struct run_answer *answer)
{
    Tpb__Sdk__WorkflowTaskCompletedMetadata *sdk;

    if (!answer->new_flag_count && !answer->name_sdk)
        return NULL;
    sdk = proto_new(&tpb__sdk__workflow_task_completed_metadata__descriptor, run->arena);
    sdk->n_lang_used_flags = answer->new_flag_count;
    sdk->lang_used_flags = (void *)arena_copy(run->arena, answer->new_flags,
                                              answer->new_flag_count * sizeof *answer->new_flags);
    if (answer->name_sdk) {
        sdk->sdk_name = SDK_NAME;
        sdk->sdk_version = SDK_VERSION;
    }
    return sdk;
}

/* --- commands --- */

static bool fits(struct workflow_run *run, const struct command *command,
                 const Tpb__Command__Command *message)
{
    size_t size = protobuf_c_message_get_packed_size(&message->base);
    size_t limit = host_options(run->host)->payload_limit;

    if (size <= limit)
        return true;
    return refuse_size(run,
                       "[TMPRL1103] a command of %zu bytes is over the limit of %zu for payloads"
                       "%s%.*s",
                       size, limit, command->place.size ? ", asked for at " : "",
                       (int)command->place.size, command->place.size ? command->place.data : "");
}

/* Whether a task comes with the reply is no part of what the script asked for: the command in the
 * run stays as it is. */
static void ask_for_eager(struct workflow_run *run, Tpb__Command__Command *message)
{
    const struct workflow_options *o = host_options(run->host);
    Tpb__Command__ScheduleActivityTaskCommandAttributes *asked =
        message->schedule_activity_task_command_attributes;

    if (strcmp(asked->task_queue->name, o->task_queue) != 0 ||
        !o->eager(o->eager_user, asked->activity_type->name))
        return;
    asked = (void *)arena_copy(run->arena, (const char *)asked, sizeof *asked);
    asked->request_eager_execution = true;
    message->schedule_activity_task_command_attributes = asked;
}

static bool is_eager(const struct workflow_run *run, const struct run_answer *answer, size_t i)
{
    return host_options(run->host)->eager && !answer->terminal &&
           answer->commands[i]->type == COMMAND_SCHEDULE_ACTIVITY;
}

static bool add_commands(struct workflow_run *run, const struct run_answer *answer,
                         Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest *request)
{
    request->n_commands = answer->count;
    request->commands = arena_alloc(run->arena, (answer->count + 1) * sizeof *request->commands);
    for (size_t i = 0; i < answer->count; i++) {
        request->commands[i] = wire_command(answer->commands[i], run->arena);
        if (is_eager(run, answer, i))
            ask_for_eager(run, request->commands[i]);
        if (!fits(run, answer->commands[i], request->commands[i]))
            return false;
    }
    return true;
}

/* --- queries --- */

static Tpb__Query__WorkflowQueryResult *failed_query(struct workflow_run *run, const char *message)
{
    Tpb__Query__WorkflowQueryResult *result =
        proto_new(&tpb__query__workflow_query_result__descriptor, run->arena);

    result->result_type = TPB__ENUMS__QUERY_RESULT_TYPE__QUERY_RESULT_TYPE_FAILED;
    result->error_message = message;
    result->failure = refusal_failure(run->arena, "QueryError", message);
    return result;
}

/* A result that cannot be sent fails its query, not the task. */
static Tpb__Query__WorkflowQueryResult *checked(struct workflow_run *run,
                                                Tpb__Query__WorkflowQueryResult *result)
{
    struct error err = {0};
    size_t size = protobuf_c_message_get_packed_size(&result->base);

    if (size > host_options(run->host)->payload_limit)
        return failed_query(run, arena_printf(run->arena,
                                              "the query's result has %zu bytes, over the limit "
                                              "of %zu",
                                              size, host_options(run->host)->payload_limit));
    if (!proto_check_utf8(result, &err))
        return failed_query(run, arena_copy_text(run->arena, err.text));
    return result;
}

static bool ask(struct workflow_run *run, const Tpb__Query__WorkflowQuery *const *queries,
                size_t count, Tpb__Query__WorkflowQueryResult **results)
{
    if (!run->instance) {
        for (size_t i = 0; i < count; i++)
            results[i] = failed_query(run, "the workflow has not begun");
        return true;
    }
    if (!activation_query(run, queries, count, results))
        return false;
    for (size_t i = 0; i < count; i++)
        results[i] = checked(run, results[i]);
    return true;
}

/* The query killed the script (too much time or memory): its commands stand, the run does not. */
static void blame_queries(struct workflow_run *run, size_t count,
                          Tpb__Query__WorkflowQueryResult **results, struct workflow_answer *answer)
{
    const char *reason = run->refusal->failure->message;

    for (size_t i = 0; i < count; i++)
        results[i] = failed_query(run, reason);
    answer->evict = true;
    answer->error = span_of(reason);
    run->refusal = NULL;
}

static const Tpb__Query__WorkflowQuery *
query_of(const struct workflow_run *run,
         const Tpb__Workflowservice__PollWorkflowTaskQueueResponse__QueriesEntry *entry)
{
    return entry->value ? entry->value
                        : proto_new(&tpb__query__workflow_query__descriptor, run->arena);
}

static void add_queries(struct workflow_run *run,
                        Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest *request,
                        struct workflow_answer *answer)
{
    size_t count = run->task->n_queries;
    const Tpb__Query__WorkflowQuery **queries =
        arena_alloc(run->arena, (count + 1) * sizeof *queries);
    Tpb__Query__WorkflowQueryResult **results =
        arena_alloc(run->arena, (count + 1) * sizeof *results);

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        queries[i] = query_of(run, run->task->queries[i]);
    if (!ask(run, queries, count, results))
        blame_queries(run, count, results, answer);
    request->n_query_results = count;
    request->query_results = arena_alloc(run->arena, count * sizeof *request->query_results);
    for (size_t i = 0; i < count; i++) {
        request->query_results[i] = proto_new(
            &tpb__workflowservice__respond_workflow_task_completed_request__query_results_entry__descriptor,
            run->arena);
        request->query_results[i]->key = run->task->queries[i]->key;
        request->query_results[i]->value = results[i];
    }
}

/* --- answers --- */

static const char *outcome_of(const struct run_answer *answer)
{
    if (!answer->terminal)
        return NULL;
    switch (answer->commands[answer->count - 1]->type) {
    case COMMAND_COMPLETE_WORKFLOW:
        return "completed";
    case COMMAND_FAIL_WORKFLOW:
        return "failed";
    case COMMAND_CANCEL_WORKFLOW:
        return "canceled";
    default:
        return "continue_as_new";
    }
}

static bool complete(struct workflow_run *run, const struct run_answer *core,
                     struct workflow_answer *answer)
{
    const struct workflow_options *o = host_options(run->host);
    Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest *request = proto_new(
        &tpb__workflowservice__respond_workflow_task_completed_request__descriptor, run->arena);

    if (!add_commands(run, core, request))
        return false;
    add_queries(run, request, answer);
    request->task_token = token_of(run);
    request->identity = o->identity;
    request->namespace_ = o->space;
    request->sticky_attributes = sticky(run);
    request->return_new_workflow_task = o->sticky_queue != NULL;
    request->sdk_metadata = metadata(run, core);
    request->capabilities = proto_new(
        &tpb__workflowservice__respond_workflow_task_completed_request__capabilities__descriptor,
        run->arena);
    request->capabilities->discard_speculative_workflow_task_with_events = true;
    if (!is_utf8(run, request))
        return false;
    answer->body = pack(run, request);
    if (answer->body.size > BODY_SIZE_MAX)
        return refuse_size(run, "[TMPRL1103] the task's answer has %zu bytes, over the limit of %d",
                           answer->body.size, BODY_SIZE_MAX);
    answer->kind = ANSWER_COMPLETED;
    answer->closes = core->terminal;
    answer->outcome = outcome_of(core);
    return true;
}

/* A first attempt is told to the server; later ones time out, or history would fill with them. */
static void fail_task(struct workflow_run *run, struct workflow_answer *answer)
{
    const struct workflow_options *o = host_options(run->host);
    Tpb__Workflowservice__RespondWorkflowTaskFailedRequest *request;

    if (run->task->attempt > 1) {
        answer->kind = ANSWER_NOTHING;
        return;
    }
    request = proto_new(&tpb__workflowservice__respond_workflow_task_failed_request__descriptor,
                        run->arena);
    request->task_token = token_of(run);
    request->cause = run->refusal->cause;
    request->failure = run->refusal->failure;
    request->identity = o->identity;
    request->namespace_ = o->space;
    answer->kind = ANSWER_FAILED;
    answer->body = pack(run, request);
}

static void answer_query(struct workflow_run *run, const Tpb__Query__WorkflowQueryResult *result,
                         Tpb__Enums__WorkflowTaskFailedCause cause, struct workflow_answer *answer)
{
    Tpb__Workflowservice__RespondQueryTaskCompletedRequest *request = proto_new(
        &tpb__workflowservice__respond_query_task_completed_request__descriptor, run->arena);

    request->task_token = token_of(run);
    request->namespace_ = host_options(run->host)->space;
    request->completed_type = result->result_type;
    request->query_result = result->answer;
    request->error_message = result->error_message;
    request->failure = result->failure;
    request->cause = cause;
    request->poller_group_id = run->task->poller_group_id;
    answer->kind = ANSWER_QUERY;
    answer->body = pack(run, request);
}

/* A history that could not be read is no answer: the client's next try may meet a better one. */
static void refuse_query(struct workflow_run *run, struct workflow_answer *answer)
{
    Tpb__Query__WorkflowQueryResult *result;

    if (run->refusal->doubtful) {
        answer->kind = ANSWER_NOTHING;
        return;
    }
    result = failed_query(run, run->refusal->failure->message);
    result->failure = run->refusal->failure;
    answer_query(run, result, run->refusal->cause, answer);
}

/* What only the query has seen must not stay: the next task would find a run that is ahead. */
static bool answer_query_task(struct workflow_run *run, struct workflow_answer *answer)
{
    const Tpb__Query__WorkflowQuery *query = run->task->query;
    Tpb__Query__WorkflowQueryResult *result;
    struct run_answer core;

    if (!ask(run, &query, 1, &result))
        return false;
    answer_query(run, result, CAUSE(UNSPECIFIED), answer);
    run_reply(run->core, &core);
    answer->evict |= core.stale;
    return true;
}

static bool answer_well(struct workflow_run *run, struct workflow_answer *answer)
{
    struct run_answer core;

    if (run->task->query)
        return answer_query_task(run, answer);
    run_reply(run->core, &core);
    answer->evict = !core.respond; /* a run that is over: nobody waits for an answer */
    return !core.respond || complete(run, &core, answer);
}

void answer_task(struct workflow_run *run, struct workflow_answer *answer)
{
    if (!run->refusal && answer_well(run, answer))
        return;
    *answer = (struct workflow_answer){
        .evict = true,
        .failure_reason = run->refusal->reason,
        .error = span_of(run->refusal->failure->message),
    };
    if (run->task->query)
        refuse_query(run, answer);
    else
        fail_task(run, answer);
}

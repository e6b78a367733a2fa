#include "workflow/desk.h"

#include "story.h"

#include <string.h>

#include "core/event.h"
#include "workflow/host.h"
#include "workflow/pin.h"
#include "workflow/wire.h"

/* The marker names the code that the host has for the run's type now. */
static void fill_marker(Tpb__History__History *history)
{
    const Tpb__Common__WorkflowType *type =
        history->events[0]->workflow_execution_started_event_attributes->workflow_type;
    struct error err = {0};
    struct codes *codes = &theatre_host()->codes;
    struct code *code = host_find(theatre_host(), span_of(type->name), &err);

    assert_non_null(code);
    const struct wire_command *command = pin_command(codes, code).attrs;
    for (size_t i = 0; i < history->n_events; i++)
        if ((int)history->events[i]->event_type == EVENT_MARKER_RECORDED)
            history_mark(history->events[i], theatre_arena(), (const void *)command->attributes);
}

Poll *poll(const char *words, int64_t first)
{
    struct arena *arena = theatre_arena();
    Tpb__History__History *history = history_of(arena, words);
    Poll *p =
        proto_new(&tpb__workflowservice__poll_workflow_task_queue_response__descriptor, arena);

    p->task_token = (ProtobufCBinaryData){5, (uint8_t *)"token"};
    p->workflow_execution = proto_new(&tpb__common__workflow_execution__descriptor, arena);
    p->workflow_execution->workflow_id = "id";
    p->workflow_execution->run_id = "run";
    p->attempt = 1;
    for (size_t i = 0; i < history->n_events; i++)
        if ((int)history->events[i]->event_type == EVENT_TASK_STARTED) {
            p->previous_started_event_id = p->started_event_id;
            p->started_event_id = history->events[i]->event_id;
        }
    p->history = history;
    if (strstr(words, "pinned"))
        fill_marker(history);
    history->events += first - 1;
    history->n_events -= (size_t)first - 1;
    return p;
}

struct workflow_run *new_run(void)
{
    return workflow_run_new(theatre_host(), SPAN("run"));
}

struct workflow_answer work(struct workflow_run *run, const Poll *p)
{
    struct workflow_answer answer;

    workflow_begin(run, theatre_arena(), p);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_ANSWERS);
    workflow_end(run);
    return answer;
}

static void *read_body(const struct workflow_answer *answer, enum workflow_answer_kind kind,
                       const ProtobufCMessageDescriptor *type)
{
    struct error err = {0};

    if (answer->kind != kind)
        fail_msg("the answer is %d, not %d: %.*s", answer->kind, kind, (int)answer->error.size,
                 answer->error.size ? answer->error.data : "");
    void *message = proto_unpack(type, answer->body, theatre_arena(), &err);
    assert_non_null(message);
    return message;
}

Completed *completed(const struct workflow_answer *answer)
{
    return read_body(answer, ANSWER_COMPLETED,
                     &tpb__workflowservice__respond_workflow_task_completed_request__descriptor);
}

Failed *failed(const struct workflow_answer *answer)
{
    assert_true(answer->evict);
    return read_body(answer, ANSWER_FAILED,
                     &tpb__workflowservice__respond_workflow_task_failed_request__descriptor);
}

Answered *answered(const struct workflow_answer *answer)
{
    return read_body(answer, ANSWER_QUERY,
                     &tpb__workflowservice__respond_query_task_completed_request__descriptor);
}

const char *text_of(const Tpb__Common__Payloads *payloads)
{
    const ProtobufCBinaryData *bytes = &payloads->payloads[0]->data;

    return arena_copy(theatre_arena(), bytes->data, bytes->len);
}

void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

Tpb__Query__WorkflowQuery *query(const char *type, const char *argument)
{
    Tpb__Query__WorkflowQuery *q =
        proto_new(&tpb__query__workflow_query__descriptor, theatre_arena());

    q->query_type = type;
    if (argument)
        q->query_args = history_payloads(theatre_arena(), argument);
    return q;
}

Poll *query_poll(const char *words, int64_t first, Tpb__Query__WorkflowQuery *q)
{
    Poll *p = poll(words, first);

    p->previous_started_event_id = p->started_event_id;
    p->started_event_id = 0;
    p->query = q;
    return p;
}

/*
 * A task's way through a run: which history it needs, when the script reacts, when it is done.
 *
 * A poll brings the whole history, or only what is new. What is new is of use only to a run that
 * has applied all before it; every other run fetches history from its first event, behind which
 * the poll's own events belong: the fetched history may lack the last two (docs/protocol.md, Sticky
 * cache).
 */
#include "workflow/workflow.h"

#include <stdlib.h>

#include "base/memory.h"
#include "proto/sdk.h"
#include "workflow/inside.h"
#include "workflow/wire.h"

struct workflow_run *workflow_run_new(struct workflow_host *host, struct span run_id)
{
    struct workflow_run *run = memory_new(sizeof *run);

    run->host = host;
    run->core = run_new();
    run->run_id = memory_copy(run_id.data, run_id.size);
    return run;
}

static void drop_instance(struct workflow_run *run)
{
    if (run->instance)
        code_release(&run->host->codes, run->cell, run->instance);
    run->instance = NULL;
    run->cell = NULL;
}

void workflow_run_free(struct workflow_run *run)
{
    if (!run)
        return;
    drop_instance(run);
    run_free(run->core);
    free(run->run_id);
    free(run);
}

/* --- history --- */

static struct span span_of_binary(ProtobufCBinaryData binary)
{
    return (struct span){(const char *)binary.data, binary.len};
}

static void feed(struct workflow_run *run, const Tpb__History__History *history, bool more)
{
    struct error err = {0};
    struct event *events;
    size_t count;

    if (run->refusal)
        return;
    if (!wire_events(history, run->arena, &events, &count, &err) ||
        !run_feed(run->core, events, count, more, &err))
        refuse(run, &err);
}

/* A page of the server, or of the poll; behind the last fetched page come the poll's own events. */
static void feed_page(struct workflow_run *run, const Tpb__History__History *history,
                      struct span token)
{
    bool last = token.size == 0;

    run->page_token = token;
    feed(run, history, !last || run->refetching);
    if (last && run->refetching)
        feed(run, run->task->history, false);
}

static void begin_core(struct workflow_run *run)
{
    run_begin(run->core, (struct run_task){
                             .previous_started_id = run->task->previous_started_event_id,
                             .started_id = run->task->started_event_id,
                             .sdk_name = SPAN(SDK_NAME),
                             .sdk_version = SPAN(SDK_VERSION),
                         });
}

/* As if the run had never been seen. */
static void forget(struct workflow_run *run)
{
    run_end(run->core);
    run_free(run->core);
    drop_instance(run);
    run->core = run_new();
    run->refusal = NULL;
    begin_core(run);
}

/* Asks for the history from its first event: always right. */
static void rebuild(struct workflow_run *run)
{
    forget(run);
    run->page_token = (struct span){0};
    run->refetching = run->rebuilt = true;
}

static int64_t first_event(const struct workflow_run *run)
{
    const Tpb__History__History *history = run->task->history;

    return history && history->n_events ? history->events[0]->event_id : 0;
}

/* Whether the run has taken up a task that the server does not count: of one that it took back (an
 * update that was rejected leaves none) the event ids are given out again. */
static bool is_ahead(const struct workflow_run *run)
{
    return !run->task->query &&
           run_moment(run->core).history_length > run->task->previous_started_event_id;
}

/* Whether the poll's history goes on where this run stands. */
static bool continues(const struct workflow_run *run)
{
    int64_t applied = run_last_event(run->core);
    int64_t first = first_event(run);

    if (first == 0)
        return applied > 0 && run->task->previous_started_event_id <= applied;
    return first <= applied + 1;
}

void workflow_begin(struct workflow_run *run, struct arena *arena,
                    const Tpb__Workflowservice__PollWorkflowTaskQueueResponse *task)
{
    run->arena = arena;
    run->task = task;
    run->refusal = NULL;
    run->refetching = run->rebuilt = false;
    run->page_token = (struct span){0};
    begin_core(run);
    if (is_ahead(run))
        forget(run);
    if (continues(run))
        feed_page(run, task->history, span_of_binary(task->next_page_token));
    else
        rebuild(run);
}

void workflow_page(struct workflow_run *run,
                   const Tpb__Workflowservice__GetWorkflowExecutionHistoryResponse *page)
{
    feed_page(run, page->history, span_of_binary(page->next_page_token));
}

/* --- steps --- */

/* A run that was not built from the first event may be wrong about its past: once more, whole. */
static bool worth_rebuilding(const struct workflow_run *run)
{
    return run->refusal->doubtful && !run->rebuilt && first_event(run) != 1;
}

enum workflow_step workflow_advance(struct workflow_run *run)
{
    struct error err = {0};
    struct run_jobs jobs;

    while (!run->refusal) {
        switch (run_next(run->core, &jobs, &err)) {
        case RUN_NEED_HISTORY:
            return WORKFLOW_NEEDS_PAGE;
        case RUN_NEED_NOTHING:
            return WORKFLOW_ANSWERS;
        case RUN_NEED_SCRIPT:
            activation_run(run, &jobs);
            break;
        case RUN_NEED_FAIL:
            refuse(run, &err);
        }
    }
    return WORKFLOW_ANSWERS;
}

enum workflow_step workflow_step(struct workflow_run *run, struct workflow_answer *answer)
{
    enum workflow_step next = workflow_advance(run);

    *answer = (struct workflow_answer){0};
    if (run->refusal && worth_rebuilding(run)) {
        rebuild(run);
        next = WORKFLOW_NEEDS_PAGE;
    }
    if (next == WORKFLOW_NEEDS_PAGE)
        answer->page_token = run->page_token;
    else
        answer_task(run, answer);
    return next;
}

void workflow_end(struct workflow_run *run)
{
    run_end(run->core);
    run->arena = NULL;
    run->task = NULL;
    run->refusal = NULL;
}

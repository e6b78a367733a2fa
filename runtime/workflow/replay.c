/*
 * Replay of a recorded history by the code that a live worker runs: the history is cut into the
 * tasks that the server once handed out, and no answer is sent.
 */
#include <stdio.h>

#include "workflow/inside.h"
#include "workflow/pin.h"
#include "workflow/wire.h"

struct replay {
    struct workflow_host *host;
    const Tpb__History__History *history;
    const char *workflow_id;
    struct arena arena;
    struct beginning beginning;
    struct recorder recorder;
    struct workflow_run *run;
    struct error *err;
};

/* --- the tasks of a history --- */

static bool is_type(const Tpb__History__History *history, size_t index, int type)
{
    return index < history->n_events && (int)history->events[index]->event_type == type;
}

/* A started event whose task was not lost: what a worker was given and answered, or holds still. */
static bool begins_task(const Tpb__History__History *history, size_t index)
{
    return is_type(history, index, EVENT_TASK_STARTED) &&
           (index + 1 == history->n_events || is_type(history, index + 1, EVENT_TASK_COMPLETED));
}

/* The next task's started event at or behind index; n_events when there is none. */
static size_t next_task(const Tpb__History__History *history, size_t index)
{
    while (index < history->n_events && !begins_task(history, index))
        index++;
    return index;
}

/* --- one task --- */

static Tpb__Workflowservice__PollWorkflowTaskQueueResponse *
make_poll(const struct replay *replay, struct arena *arena, size_t first, size_t end)
{
    const Tpb__History__History *history = replay->history;
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll =
        proto_new(&tpb__workflowservice__poll_workflow_task_queue_response__descriptor, arena);

    poll->workflow_execution = proto_new(&tpb__common__workflow_execution__descriptor, arena);
    poll->workflow_execution->workflow_id = replay->workflow_id;
    poll->workflow_execution->run_id = replay->run->run_id;
    poll->history = proto_new(&tpb__history__history__descriptor, arena);
    poll->history->n_events = end - first;
    poll->history->events = history->events + first;
    return poll;
}

static bool tell(const struct replay *replay)
{
    const struct refusal *refusal = replay->run->refusal;
    enum error_kind kind = refusal->doubtful ? ERROR_MALFORMED : ERROR_SCRIPT;

    if (refusal->cause ==
        TPB__ENUMS__WORKFLOW_TASK_FAILED_CAUSE__WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR)
        kind = ERROR_HISTORY;
    return error_set(replay->err, kind, "%s", refusal->failure->message);
}

/* What the server would hand out: the events from first on, up to a started one, the one before
 * it. With no started event it is as for a query: events to apply and nothing to answer. */
struct task_bounds {
    size_t first;
    size_t end;
    int64_t previous_started;
    int64_t started;
};

static bool work_off(struct replay *replay, struct task_bounds bounds)
{
    struct arena arena = {0};
    struct workflow_run *run = replay->run;
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll =
        make_poll(replay, &arena, bounds.first, bounds.end);
    bool ok = true;

    poll->previous_started_event_id = bounds.previous_started;
    poll->started_event_id = bounds.started;
    workflow_begin(run, &arena, poll);
    if (workflow_advance(run) == WORKFLOW_NEEDS_PAGE)
        ok = error_set(replay->err, ERROR_MALFORMED, "the history is not whole");
    else if (run->refusal)
        ok = tell(replay);
    workflow_end(run);
    arena_release(&arena);
    return ok;
}

/* --- the three ways --- */

static void begin_run(struct replay *replay)
{
    const Tpb__History__HistoryEvent *first = replay->history->events[0];

    workflow_run_free(replay->run);
    replay->run = workflow_run_new(
        replay->host,
        span_of(first->workflow_execution_started_event_attributes->original_execution_run_id));
    replay->run->rehearsal = true;
    replay->run->beginning = &replay->beginning;
    replay->recorder.activations = 0;
    if (replay->recorder.commands)
        replay->run->recorder = &replay->recorder;
}

static bool replay_whole(struct replay *replay)
{
    size_t count = replay->history->n_events;

    begin_run(replay);
    return work_off(replay, (struct task_bounds){
                                .end = count,
                                .previous_started = replay->history->events[count - 1]->event_id,
                            });
}

static bool replay_tasks(struct replay *replay, bool evicting)
{
    const Tpb__History__History *history = replay->history;
    struct task_bounds task = {0};

    begin_run(replay);
    for (size_t at = next_task(history, 0); at < history->n_events;
         at = next_task(history, at + 1)) {
        task.end = at + 1;
        task.started = history->events[at]->event_id;
        if (!work_off(replay, task))
            return false;
        task.first = evicting ? 0 : task.end;
        task.previous_started = task.started;
        if (evicting)
            begin_run(replay);
    }
    task.end = history->n_events;
    task.started = 0;
    return task.first == task.end || work_off(replay, task);
}

static size_t first_completed(const Tpb__History__History *history)
{
    size_t at = 0;

    while (at < history->n_events && !is_type(history, at, EVENT_TASK_COMPLETED))
        at++;
    return at;
}

#define MARKER_ATTRIBUTES TPB__HISTORY__HISTORY_EVENT__ATTRIBUTES_MARKER_RECORDED_EVENT_ATTRIBUTES

bool workflow_records_code(const Tpb__History__History *history)
{
    size_t at = first_completed(history) + 1;

    return is_type(history, at, EVENT_MARKER_RECORDED) &&
           history->events[at]->attributes_case == MARKER_ATTRIBUTES &&
           strcmp(history->events[at]->marker_recorded_event_attributes->marker_name, PIN_NAME) ==
               0;
}

static bool foresee(struct replay *replay)
{
    size_t at = first_completed(replay->history);
    Tpb__History__History recorded = {.n_events = 1, .events = replay->history->events + at + 1};
    struct event *marker;
    size_t count;

    replay->beginning.committed = at < replay->history->n_events;
    if (!workflow_records_code(replay->history))
        return true;
    if (!wire_events(&recorded, &replay->arena, &marker, &count, replay->err))
        return false;
    replay->beginning.marker = marker;
    return true;
}

static bool check(const Tpb__History__History *history, struct error *err)
{
    if (history->n_events == 0)
        return error_set(err, ERROR_MALFORMED, "the history is empty");
    if (!is_type(history, 0, EVENT_WORKFLOW_STARTED) ||
        history->events[0]->attributes_case !=
            TPB__HISTORY__HISTORY_EVENT__ATTRIBUTES_WORKFLOW_EXECUTION_STARTED_EVENT_ATTRIBUTES)
        return error_set(err, ERROR_MALFORMED,
                         "the history does not begin with the start of a workflow");
    return true;
}

static void name_code(const struct replay *replay, struct workflow_replay_report *report)
{
    const struct workflow_run *run = replay->run;

    report->own_code = replay->beginning.marker && !host_options(replay->host)->newest;
    if (run->cell)
        snprintf(report->code, sizeof report->code, "%s@%.7s",
                 store_entry(run->cell->code->bundle).data, run->cell->code->bundle->hash);
}

static void tell_sizes(const Tpb__History__History *history, struct workflow_replay_report *report)
{
    report->events = history->n_events;
    report->tasks = 0;
    for (size_t at = next_task(history, 0); at < history->n_events; at = next_task(history, at + 1))
        report->tasks++;
}

bool workflow_replay(struct workflow_host *host, const Tpb__History__History *history,
                     const char *workflow_id, enum workflow_replay_mode mode,
                     struct workflow_replay_report *report, struct error *err)
{
    struct workflow_replay_report unread = {0};
    struct replay replay = {
        .host = host,
        .history = history,
        .workflow_id = workflow_id,
        .err = err,
    };

    report = report ? report : &unread;
    if (!check(history, err))
        return false;
    if (report->keep_commands)
        replay.recorder.commands = &report->commands;
    bool ok =
        foresee(&replay) && (mode == REPLAY_WHOLE ? replay_whole(&replay)
                                                  : replay_tasks(&replay, mode == REPLAY_EVICTING));
    tell_sizes(history, report);
    if (replay.run)
        name_code(&replay, report);
    workflow_run_free(replay.run);
    arena_release(&replay.arena);
    return ok;
}

#include "core/run.h"

#include <stdlib.h>

#include "base/memory.h"
#include "core/entity.h"

struct run *run_new(void)
{
    return memory_new(sizeof(struct run));
}

void run_free(struct run *run)
{
    if (!run)
        return;
    history_release(&run->history);
    match_release(&run->match);
    jobs_release(&run->jobs);
    roster_release(&run->timers);
    roster_release(&run->activities);
    free(run->failure);
    free(run);
}

/* Remembers the failure: a run that failed once stays so. */
static bool fail(struct run *run, const struct error *err)
{
    if (!run->failure)
        run->failure = memory_copy(err, sizeof *err);
    return false;
}

void run_begin(struct run *run, struct run_task task)
{
    run->polled = task;
    run->moment.replaying = task.previous_started_id > 0;
    history_open(&run->history, run->last_event);
}

void run_end(struct run *run)
{
    struct error err;
    if (run->jobs.count) {
        error_set(&err, ERROR_USAGE, "the task was left before its jobs were answered");
        fail(run, &err);
    }
    history_release(&run->history);
    match_close_task(&run->match);
    jobs_release(&run->jobs);
    roster_shrink(&run->timers);
    roster_shrink(&run->activities);
}

/* --- history in --- */

/* The last page has come: does history hold what the task is about? */
static bool check_reach(const struct run *run, struct error *err)
{
    int64_t started = run->polled.started_id;
    if (!run->history.last_fed)
        return error_set(err, ERROR_MALFORMED, "history is empty");
    if (started > run->history.last_fed)
        return error_set(err, ERROR_MALFORMED,
                         "history ends at event %lld, before the task's event %lld",
                         (long long)run->history.last_fed, (long long)started);
    if (started && started <= run->last_event && !run_closed(run))
        return error_set(err, ERROR_MALFORMED, "the task of event %lld was worked off before",
                         (long long)started);
    return true;
}

bool run_feed(struct run *run, const struct event *events, size_t count, bool more,
              struct error *err)
{
    if (run->failure) {
        *err = *run->failure;
        return false;
    }
    if (!history_feed(&run->history, events, count, more, err))
        return fail(run, err);
    return more || check_reach(run, err) || fail(run, err);
}

/* --- one event --- */

static bool learn(struct run *run, const struct event *completed, struct error *err)
{
    struct span name = completed->completed.sdk_name;
    struct span version = completed->completed.sdk_version;
    if (name.size || version.size)
        run->flags.sdk_named =
            span_equal(name, run->polled.sdk_name) && span_equal(version, run->polled.sdk_version);
    return flags_learn(&run->flags, completed, err);
}

/* The events that confirm a task's commands follow its completion without a gap between them. */
static bool settle(struct run *run, const struct event *next, struct error *err)
{
    if (!run->match.due || (next && (event_confirms(next->type) || entity_ignores(next))))
        return true;
    run->match.due = false;
    if (!match_front(&run->match))
        return true;
    return match_refuse_leftover(&run->match, next ? next->id : run->last_event, next, err);
}

static bool apply_event(struct run *run, const struct event *event, struct error *err)
{
    if (!task_allows(run, event, err) || !settle(run, event, err))
        return false;
    if (event_confirms(event->type))
        return entity_confirm(run, event, err);
    if (event->type == EVENT_TASK_COMPLETED) {
        run->match.due = true;
        if (!learn(run, event, err))
            return false;
    }
    return entity_hear(run, event, err);
}

/* Whether a live run sees this event for the first time: docs/protocol.md, Applying. */
static bool is_news(const struct run *run, const struct event *event)
{
    return event->id > run->polled.previous_started_id && event->type != EVENT_TASK_COMPLETED &&
           !event_confirms(event->type);
}

/* A query may come between an event and its task. The jobs show, in the order of history. */
static bool looks_ahead(const struct run *run)
{
    const struct jobs *jobs = &run->jobs;
    return jobs->count && jobs->jobs[jobs->count - 1].event->id > run->moment.history_length;
}

/* What history already says about the task that ends with the sequence. */
static void look_ahead(struct run *run, const struct sequence *sequence)
{
    const struct event *second = sequence->second;
    run->committed = sequence->after && sequence->after->type == EVENT_TASK_COMPLETED;
    run->marker =
        run->committed && run->last_event == 0 && second && second->type == EVENT_MARKER_RECORDED
            ? second
            : NULL;
}

static bool apply_sequence(struct run *run, const struct sequence *sequence, struct error *err)
{
    if (run->ahead)
        return error_set(err, ERROR_MALFORMED,
                         "a query has shown this run events up to %lld before their task",
                         (long long)run->last_event);
    run->sequence_end = sequence->events[sequence->count - 1]->id;
    look_ahead(run, sequence);
    if (run->committed && !learn(run, sequence->after, err))
        return false;
    for (size_t i = 0; i < sequence->count; i++) {
        const struct event *event = sequence->events[i];
        if (run->moment.replaying && sequence->last && is_news(run, event))
            run->moment.replaying = false;
        if (!apply_event(run, event, err))
            return false;
        run->last_event = event->id;
    }
    run->ahead = looks_ahead(run);
    jobs_sort(&run->jobs);
    return task_answer(run, err);
}

/* --- what now --- */

static enum run_need fail_need(struct run *run, struct error *err)
{
    fail(run, err);
    return RUN_NEED_FAIL;
}

static enum run_need rest(struct run *run, struct error *err)
{
    if (run->history.next == run->history.count)
        return RUN_NEED_NOTHING;
    error_set(err, ERROR_MALFORMED, "history goes on behind event %lld, the end of the run",
              (long long)run->last_event);
    return fail_need(run, err);
}

/* Applies sequences until one has jobs. */
static enum run_need advance(struct run *run, struct error *err)
{
    struct sequence sequence;
    while (!run_closed(run)) {
        bool stepwise = flags_have(&run->flags, FLAG_STEPWISE);
        enum history_step step = history_take(&run->history, stepwise, &sequence);
        if (step == HISTORY_NEEDS_PAGE)
            return RUN_NEED_HISTORY;
        if (step == HISTORY_ENDS)
            return settle(run, NULL, err) ? RUN_NEED_NOTHING : fail_need(run, err);
        if (!apply_sequence(run, &sequence, err))
            return fail_need(run, err);
        if (run->jobs.count)
            return RUN_NEED_SCRIPT;
    }
    return rest(run, err);
}

enum run_need run_next(struct run *run, struct run_jobs *jobs, struct error *err)
{
    enum run_need need = RUN_NEED_SCRIPT;
    if (run->failure) {
        *err = *run->failure;
        return RUN_NEED_FAIL;
    }
    if (!run->jobs.count)
        need = advance(run, err);
    if (need == RUN_NEED_SCRIPT)
        *jobs = (struct run_jobs){run->moment, run->jobs.jobs, run->jobs.count, run->committed,
                                  run->marker};
    return need;
}

/* --- what the script did --- */

bool run_apply(struct run *run, const struct command *commands, size_t count, struct error *err)
{
    if (!run->jobs.count) {
        error_set(err, ERROR_BUG, "commands came without jobs to answer");
        return fail(run, err);
    }
    run->jobs.count = 0;
    for (size_t i = 0; i < count; i++)
        if (!entity_ask(run, &commands[i], err))
            return fail(run, err);
    if (ending_asked(run) || run_closed(run))
        run->jobs.count = 0;
    return true;
}

void run_reply(struct run *run, struct run_answer *answer)
{
    bool worked_off = !run->failure && !run->jobs.count && !run->history.more;
    *answer = (struct run_answer){
        .respond =
            worked_off && run->polled.started_id && !run->moment.replaying && !run_closed(run),
        .name_sdk = !run->flags.sdk_named && run->polled.sdk_name.size,
        .terminal = ending_asked(run),
        .stale = run->ahead && !run_closed(run),
    };
    if (!run_closed(run))
        answer->commands = match_list(&run->match, &answer->count);
    answer->new_flags = flags_missing(&run->flags, &answer->new_flag_count);
}

int64_t run_last_event(const struct run *run)
{
    return run->last_event;
}

struct run_moment run_moment(const struct run *run)
{
    return run->moment;
}

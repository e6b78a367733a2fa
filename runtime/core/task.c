/*
 * The workflow task as the server keeps it in history. It tells what the script may know during an
 * activation: the time, the length of history. Failed and timed-out attempts change nothing.
 *
 *     state      input        next       effect
 *     IDLE       SCHEDULED    WAITING
 *     WAITING    STARTED      STARTED    begin, when the sequence ends here
 *     WAITING    TIMED_OUT    IDLE       no worker took it from the sticky queue
 *     STARTED    ANSWERED     ANSWERED   the script has acted on it
 *     STARTED    COMPLETED    IDLE       begin: a heartbeat in the middle of a sequence
 *     STARTED    FAILED       IDLE
 *     STARTED    TIMED_OUT    IDLE
 *     ANSWERED   COMPLETED    IDLE
 *
 * ANSWERED knows no failure on purpose: a run whose answer the server did not take is wrong about
 * its own past and must be rebuilt.
 */
#include "core/entity.h"

enum { IDLE, WAITING, STARTED, ANSWERED };
enum { IN_SCHEDULED, IN_STARTED, IN_COMPLETED, IN_FAILED, IN_TIMED_OUT, IN_ANSWERED };
enum { BEGIN = 1, BEGIN_AT_END };

static const char *const states[] = {"IDLE", "WAITING", "STARTED", "ANSWERED"};
static const char *const inputs[] = {"WorkflowTaskScheduled", "WorkflowTaskStarted",
                                     "WorkflowTaskCompleted", "WorkflowTaskFailed",
                                     "WorkflowTaskTimedOut",  "an answer"};

static const struct machine_row rows[] = {
    {IDLE,     IN_SCHEDULED, WAITING,  0           },
    {WAITING,  IN_STARTED,   STARTED,  BEGIN_AT_END},
    {WAITING,  IN_TIMED_OUT, IDLE,     0           },
    {STARTED,  IN_ANSWERED,  ANSWERED, 0           },
    {STARTED,  IN_COMPLETED, IDLE,     BEGIN       },
    {STARTED,  IN_FAILED,    IDLE,     0           },
    {STARTED,  IN_TIMED_OUT, IDLE,     0           },
    {ANSWERED, IN_COMPLETED, IDLE,     0           },
};

const struct machine_table task_table = {
    "the workflow task", states, inputs, rows, sizeof rows / sizeof *rows, SLOT_TASK,
};

static void begin(struct run *run)
{
    const struct task *task = &run->task;
    if (task->started_ms > run->moment.now_ms)
        run->moment.now_ms = task->started_ms;
    run->moment.history_length = task->started_id;
    run->moment.history_bytes = task->history_bytes;
    run->moment.suggest_continue_as_new = task->suggest_continue_as_new;
}

static bool step(struct run *run, unsigned input, struct error *err)
{
    const struct machine_row *row = machine_step(&task_table, &run->task.state, input);
    if (!row)
        return machine_refuse(&task_table, run->task.state, input, err);
    if (row->effect == BEGIN ||
        (row->effect == BEGIN_AT_END && run->task.started_id == run->sequence_end))
        begin(run);
    return true;
}

static unsigned input_of(const struct event *event)
{
    switch (event->type) {
    case EVENT_TASK_SCHEDULED:
        return IN_SCHEDULED;
    case EVENT_TASK_STARTED:
        return IN_STARTED;
    case EVENT_TASK_COMPLETED:
        return IN_COMPLETED;
    case EVENT_TASK_FAILED:
        return IN_FAILED;
    default:
        return IN_TIMED_OUT;
    }
}

bool task_hear(struct run *run, const struct event *event, struct error *err)
{
    if (event->type == EVENT_TASK_STARTED) {
        run->task.started_id = event->id;
        run->task.started_ms = event->time_ms;
        run->task.history_bytes = event->started.history_bytes;
        run->task.suggest_continue_as_new = event->started.suggest_continue_as_new;
    }
    if (!step(run, input_of(event), err))
        return error_add(err, "event %lld", (long long)event->id);
    if (event->type == EVENT_TASK_FAILED && event->failed.new_run_id.size)
        jobs_add(&run->jobs, (struct job){.kind = JOB_RANDOM_SEED, .event = event});
    return true;
}

bool task_allows(const struct run *run, const struct event *event, struct error *err)
{
    if (run->task.state != ANSWERED || event->type == EVENT_TASK_COMPLETED ||
        event_closes(event->type) || entity_ignores(event))
        return true;
    return error_set(err, ERROR_MALFORMED,
                     "the task of event %lld was answered, but history goes on with %s (event "
                     "%lld), not with its completion",
                     (long long)run->task.started_id, event_type_name(event->type),
                     (long long)event->id);
}

bool task_answer(struct run *run, struct error *err)
{
    return run->task.state != STARTED || step(run, IN_ANSWERED, err);
}

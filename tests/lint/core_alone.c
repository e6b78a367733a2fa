/* A workflow of one timer, live and replayed, on the core alone. */
#include <stdio.h>

#include "core/run.h"

static const struct event history[] = {
    {.id = 1,                       .type = EVENT_WORKFLOW_STARTED},
    {.id = 2,                       .type = EVENT_TASK_SCHEDULED  },
    {.id = 3,                       .type = EVENT_TASK_STARTED    },
    {.id = 4,                       .type = EVENT_TASK_COMPLETED  },
    {.id = 5,                       .type = EVENT_TIMER_STARTED,    .key = {"1", 1}},
    {.id = 6,                             .type = EVENT_TIMER_FIRED,                                                     .initiating_id = 5},
    {.id = 7,           .type = EVENT_TASK_SCHEDULED},
    {.id = 8,.type = EVENT_TASK_STARTED                                },
};

/* Starts a timer, and completes when it fires. */
static bool act(struct run *run, const struct run_jobs *jobs, struct error *err)
{
    static const struct command timer = {
        .type = COMMAND_START_TIMER, .seq = 1, .key = {"1",           1 },
                .place = {"alone.lua:1", 11}
    };
    static const struct command complete = {.type = COMMAND_COMPLETE_WORKFLOW};
    return run_apply(run, jobs->jobs[0].kind == JOB_INITIALIZE ? &timer : &complete, 1, err);
}

static bool work(struct run *run, struct run_task task, size_t count, struct error *err)
{
    struct run_jobs jobs;
    size_t fed = (size_t)run_last_event(run);
    run_begin(run, task);
    for (;;) {
        switch (run_next(run, &jobs, err)) {
        case RUN_NEED_HISTORY:
            if (!run_feed(run, history + fed, count - fed, false, err))
                return false;
            break;
        case RUN_NEED_SCRIPT:
            if (!act(run, &jobs, err))
                return false;
            break;
        case RUN_NEED_FAIL:
            return false;
        case RUN_NEED_NOTHING:
            return true;
        }
    }
}

int main(void)
{
    struct error err = {0};
    struct run_answer answer = {0};
    struct run *run = run_new();
    bool good = work(run, (struct run_task){.started_id = 3}, 3, &err);
    run_reply(run, &answer);
    good = good && answer.respond && answer.count == 1;
    run_end(run);
    good = good && work(run, (struct run_task){.previous_started_id = 3, .started_id = 8}, 8, &err);
    run_reply(run, &answer);
    good = good && answer.respond && answer.terminal;
    run_free(run);
    if (!good)
        printf("core_alone: %s\n", err.text);
    return good ? 0 : 1;
}

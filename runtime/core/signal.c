/* What reaches a run from outside and opens nothing: its start, signals, the wish to cancel it. */
#include "core/entity.h"

bool start_hear(struct run *run, const struct event *event, struct error *err)
{
    if (event->id != 1)
        return error_set(err, ERROR_MALFORMED, "event %lld starts a run that has begun",
                         (long long)event->id);
    run->moment.now_ms = event->time_ms;
    jobs_add(&run->jobs, (struct job){.kind = JOB_INITIALIZE, .event = event});
    return true;
}

bool signal_hear(struct run *run, const struct event *event, struct error *err)
{
    (void)err;
    jobs_add(&run->jobs, (struct job){.kind = JOB_SIGNAL, .event = event});
    return true;
}

bool cancel_hear(struct run *run, const struct event *event, struct error *err)
{
    (void)err;
    jobs_add(&run->jobs, (struct job){.kind = JOB_CANCEL_WORKFLOW, .event = event});
    return true;
}

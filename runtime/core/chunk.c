#include "core/chunk.h"

#include "core/flag.h"

enum verdict { GOES_ON, ENDS_HERE, ENDS_EARLIER, NEEDS_MORE };

/* What the scan met so far. */
struct scan {
    const struct chunk *chunk;
    bool commands;  /* an event that confirms a command */
    bool substance; /* such an event, or the run's start */
};

/* A task followed by one of these never happened. */
static bool undoes_task(const struct event *next)
{
    switch (next->type) {
    case EVENT_TASK_FAILED:
    case EVENT_TASK_TIMED_OUT:
    case EVENT_WORKFLOW_TIMED_OUT:
    case EVENT_WORKFLOW_TERMINATED:
    case EVENT_WORKFLOW_CANCELED:
        return true;
    default:
        return false;
    }
}

static enum verdict judge_completed(const struct scan *scan, size_t started)
{
    const struct chunk *chunk = scan->chunk;
    const struct event *after = chunk_event(chunk, started + 2);
    if (chunk->stepwise || flag_recorded(chunk_event(chunk, started + 1), FLAG_STEPWISE))
        return ENDS_HERE;
    if (!after && !chunk->complete)
        return NEEDS_MORE;
    if (!after)
        return scan->substance ? ENDS_HERE : GOES_ON;
    if (after->type == EVENT_TASK_SCHEDULED && !scan->commands)
        return GOES_ON;
    return after->type == EVENT_UPDATE_ACCEPTED ? ENDS_EARLIER : ENDS_HERE;
}

static enum verdict judge_started(const struct scan *scan, size_t started)
{
    const struct event *next = chunk_event(scan->chunk, started + 1);
    if (!next && !scan->chunk->complete)
        return NEEDS_MORE;
    if (next && undoes_task(next))
        return GOES_ON;
    if (next && next->type == EVENT_TASK_COMPLETED)
        return judge_completed(scan, started);
    return scan->substance ? ENDS_HERE : GOES_ON;
}

/* The last task begun before the one that brought the update accepted behind `started`. */
static size_t task_before_update(const struct chunk *chunk, size_t started)
{
    int64_t update = chunk->events[started + 2]->sequencing_id;
    for (size_t i = started + 1; i-- > 0;) {
        const struct event *e = chunk->events[i];
        if (e->type == EVENT_TASK_STARTED && e->id < update && !undoes_task(chunk->events[i + 1]))
            return i;
    }
    return started;
}

bool chunk_end(const struct chunk *chunk, size_t *end)
{
    struct scan scan = {chunk, false, false};
    for (size_t i = 0; i < chunk->count; i++) {
        int type = chunk->events[i]->type;
        enum verdict verdict = event_closes(type) ? ENDS_HERE : GOES_ON;
        scan.commands |= event_confirms(type);
        scan.substance |= scan.commands || type == EVENT_WORKFLOW_STARTED;
        if (type == EVENT_TASK_STARTED)
            verdict = judge_started(&scan, i);
        if (verdict == NEEDS_MORE)
            return false;
        if (verdict == GOES_ON)
            continue;
        *end = verdict == ENDS_EARLIER ? task_before_update(chunk, i) : i;
        return true;
    }
    *end = chunk->count - 1;
    return chunk->complete;
}

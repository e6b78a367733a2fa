#include "core/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "core/chunk.h"

void history_open(struct history *history, int64_t last_applied)
{
    history->count = history->next = 0;
    history->last_fed = last_applied;
    history->more = true;
}

/* Makes room for `more` events, at the expense of those given out. */
static void reserve(struct history *history, size_t more)
{
    uint32_t waiting = history->count - history->next;
    if (history->next) {
        memmove(history->events, history->events + history->next,
                waiting * sizeof *history->events);
        history->count = waiting;
        history->next = 0;
    }
    if (history->count + more <= history->room)
        return;
    size_t room = history->count + more;
    if (room < 2u * history->room)
        room = 2u * history->room;
    history->events = memory_resize(history->events, room * sizeof *history->events);
    history->room = (uint32_t)room;
}

bool history_feed(struct history *history, const struct event *events, size_t count, bool more,
                  struct error *err)
{
    if (!history->more)
        return error_set(err, ERROR_USAGE, "a page came after the last page of history");
    reserve(history, count);
    for (size_t i = 0; i < count; i++) {
        const struct event *e = &events[i];
        if (e->id <= history->last_fed)
            continue;
        if (e->id != history->last_fed + 1)
            return error_set(err, ERROR_MALFORMED,
                             "history has a gap: event %lld comes after event %lld",
                             (long long)e->id, (long long)history->last_fed);
        history->last_fed = e->id;
        history->events[history->count++] = e;
    }
    history->more = more;
    return true;
}

/* Of the run's first task it must be known what its completion recorded first, and a page may end
 * before that. */
static bool sees_too_little(const struct chunk *chunk, size_t end)
{
    const struct event *after = chunk_event(chunk, end + 1);
    return chunk->events[0]->id == 1 && after && after->type == EVENT_TASK_COMPLETED &&
           end + 2 == chunk->count && !chunk->complete;
}

enum history_step history_take(struct history *history, bool stepwise, struct sequence *sequence)
{
    size_t end;
    if (history->next == history->count)
        return history->more ? HISTORY_NEEDS_PAGE : HISTORY_ENDS;
    struct chunk chunk = {
        .events = history->events + history->next,
        .count = history->count - history->next,
        .complete = !history->more,
        .stepwise = stepwise,
    };
    if (!chunk_end(&chunk, &end) || sees_too_little(&chunk, end))
        return HISTORY_NEEDS_PAGE;
    *sequence = (struct sequence){
        .events = chunk.events,
        .count = end + 1,
        .after = chunk_event(&chunk, end + 1),
        .second = chunk_event(&chunk, end + 2),
        .last = end + 1 == chunk.count && chunk.complete,
    };
    history->next += (uint32_t)sequence->count;
    return HISTORY_SEQUENCE;
}

void history_release(struct history *history)
{
    free(history->events);
    *history = (struct history){0};
}

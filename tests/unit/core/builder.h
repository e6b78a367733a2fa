/*
 * Histories written as words, the way people tell them:
 *
 *     builder_write(&b, "start task activity:1/charge begun@5 done@5 open");
 *
 * A word is an event, or a few; ":key/name" sets its key and name, "@5" the id of the event it
 * goes back to. Event n happens at n seconds.
 *
 *     start  signal:k  cancel  stop (terminated)  expire (timed out)
 *     scheduled  begin  completed  failed  reset (failed, new seed)  late (timed out)
 *     open (scheduled begin)   task (scheduled begin completed)
 *     activity:id/type  begun@n  done@n  broke@n  lapsed@n  revoke@n (cancel requested)  revoked@n
 *     timer:id  fired@n  untimer@n     marker:name
 *     complete  fail  cancelled  renew (continued as new)
 *     accepted@n (update, sequencing id n)  updated   any:99 (event type 99)  maybe:99 (ignorable)
 */
#pragma once

#include "core/event.h"

enum { BUILDER_ROOM = 512 };

struct builder {
    struct event events[BUILDER_ROOM];
    size_t count;
    bool stepwise; /* completed tasks record flag 1, as this worker does */
};

/* Adds the events of the words; spaces between them. The text must outlive the builder. */
void builder_write(struct builder *b, const char *words);

/* Adds one event of the type, to be filled in. */
struct event *builder_add(struct builder *b, int type);

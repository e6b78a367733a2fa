/*
 * What the script asked for against what history says happened: first in, first out, and the text
 * that tells a person how the two differ.
 *
 * A closing command stands behind all others, whenever it came. Commands dropped before they were
 * sent are passed over as if never asked.
 */
#pragma once

#include "base/error.h"
#include "core/event.h"

struct asked {
    struct command command;
    bool dropped;
};

/* A match made in this task of a command that a line of the script asked for. */
struct trail {
    const struct event *event;
    struct span place;
};

enum { TRAIL_LENGTH = 3 };

struct match {
    struct asked *asked; /* from head up to count */
    uint32_t head;
    uint32_t count;
    uint32_t room;
    struct command *ending;      /* the closing command, NULL: none asked for */
    const struct command **list; /* what match_list gave out */
    char *kept;                  /* text of the commands that outlived their task */
    bool due; /* a completed task was seen: the events that confirm its commands follow */
    struct trail trail[TRAIL_LENGTH];
    uint32_t matched; /* in this task */
};

/* Puts a command at the end. */
void match_ask(struct match *match, const struct command *command);
/* The closing command. There is one at most. */
void match_end(struct match *match, const struct command *command);
/* Takes back the command of that type and seq, which was not sent yet. */
void match_drop(struct match *match, enum command_type type, uint32_t seq);

/* The command that must be confirmed next, NULL when none is left. */
const struct command *match_front(struct match *match);
/* The front was confirmed by this event. */
void match_pop(struct match *match, const struct event *event);

/* All commands in the order of sending. Valid until the next ask or end of task. */
const struct command *const *match_list(struct match *match, size_t *count);

/* The event does not confirm the front. Sets ERROR_HISTORY, always returns false. */
bool match_refuse(struct match *match, const struct event *event, struct error *err);
/* History went on with `next`, or ended (NULL), and the front was never confirmed. As above. */
bool match_refuse_leftover(struct match *match, int64_t id, const struct event *next,
                           struct error *err);

/* Copies what outlives the task and forgets the rest. */
void match_close_task(struct match *match);
void match_release(struct match *match);

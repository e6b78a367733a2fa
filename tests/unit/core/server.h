/*
 * The part of a Temporal server that writes one run's history: it takes answers, checks them as the
 * real one does, and lets things happen in between.
 *
 * While a task is begun and not answered, what happens is held back and written behind the events
 * of the task's commands, as the server does.
 */
#pragma once

#include "base/arena.h"
#include "chance.h"
#include "core/run.h"

enum { SERVER_EVENTS = 1024, SERVER_THINGS = 48, SERVER_HELD = 16 };

struct server_thing {
    int64_t id;   /* of the event that opened it; 0: cannot be used */
    bool closed;  /* its last event is written */
    bool begun;   /* activity: STARTED is written */
    bool revoked; /* activity: a cancel was requested */
};

struct server {
    struct chance *chance;
    struct arena *arena;
    struct event events[SERVER_EVENTS];
    size_t count;
    struct event held[SERVER_HELD];
    size_t held_count;
    struct server_thing activities[SERVER_THINGS];
    size_t activity_count;
    struct server_thing timers[SERVER_THINGS];
    size_t timer_count;
    int64_t previous_started_id;
    int64_t started_id; /* of the task at hand; 0: none */
    bool flagged;       /* flag 1 is recorded */
    bool closed;
    char complaint[160]; /* the answer was not what a server takes */
};

void server_start(struct server *server, struct arena *arena, struct chance *chance);

/* Something happens: a signal, an outcome, a timer fires, or nothing. */
void server_live(struct server *server);
void server_open_task(struct server *server);
/* The task at hand fails or times out. */
void server_drop_task(struct server *server);
/* False when the answer was refused as UnhandledCommand: the task has failed. */
bool server_take(struct server *server, const struct run_answer *answer);
void server_terminate(struct server *server);

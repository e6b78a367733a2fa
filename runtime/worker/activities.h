/*
 * Activity tasks in hand: each goes to an activity loop, its heartbeats and its outcome come back
 * and go to the server (docs/protocol.md, Activity tasks).
 *
 * Local timeouts and the details of a bare beat are the loop's (activity.h). What is kept here is
 * that nothing is lost on the way: details that the server has not acknowledged go with a failure
 * or ahead of it, and an answer is sent until it is taken or the server has given the task up.
 */
#pragma once

#include "activity/activity.h"
#include "base/arena.h"
#include "worker/alarm.h"
#include "worker/exchange.h"
#include "worker/throttle.h"

struct edition;
struct worker;

/* The loops that run one edition's activities. A reload puts another world in its place; it stays
 * until the tasks that began in it are over. */
struct activity_world {
    struct note retired; /* the last thing heard of it, read by who started it */
    struct worker *worker;
    struct edition *edition;
    struct activity_loop **loops;
    size_t loop_count;
    size_t turn;                 /* the loop that gets the next task */
    size_t tasks;                /* begun here and not yet answered */
    struct activity_world *next; /* of those that take no more tasks */
};

struct activity_task {
    struct note finished; /* loop to desk */
    struct note beaten;   /* loop to desk, at most one on its way */
    struct worker *worker;
    struct activity_world *world;
    struct activity_loop *loop;
    struct activity_task *previous;
    struct activity_task *next;
    struct arena arena;
    struct span token;
    const char *type;
    const char *activity_id;
    const char *workflow_id;
    const char *run_id;
    const char *labels;
    int attempt;
    int64_t received_ms;
    int64_t waited_ms;   /* between its first scheduling and this attempt's start */
    int64_t deadline_ms; /* when the server gives it up */

    struct throttle throttle;
    struct bytes details; /* packed Payloads of the latest beat */
    bool unconfirmed;     /* the server may not have them */
    struct exchange beat;
    struct alarm beat_alarm;

    struct activity_outcome outcome;
    bool ended;
    bool flushed;       /* the details were sent once more ahead of the answer */
    bool refused;       /* the server did not take an answer: what it hears instead is the last */
    bool gone;          /* the server does not want to hear of it any more */
    unsigned cancelled; /* reasons told to the loop, one bit each */
    struct exchange answer;
    struct alarm answer_alarm;

    pthread_mutex_t lock; /* over what follows, shared with the loop */
    struct bytes fresh;   /* details of a beat that the desk has not read */
    bool beat_posted;
};

struct activities {
    struct activity_world *world; /* of new tasks; NULL: no script defines activities. Others read
                                     it under the worker's lock */
    struct activity_world *old;   /* of tasks that go on */
    struct activity_task *first;
    size_t count;
    size_t executing; /* of which the loops have not given back */
    uint64_t failed;
    bool abandoned;
};

/* Starts the loops of an edition's world. Any thread. */
bool activity_world_start(struct activity_world **out, struct worker *worker,
                          struct edition *edition, struct error *err);

/* Stops its loops: kills what still executes there, and joins them. Its tasks may be waiting for
 * the server still; the struct is theirs until they are over. */
void activity_world_stop(struct activity_world *world);
void activity_world_free(struct activity_world *world);

/* Desk's thread: new tasks begin in this world. The one before retires once its tasks are over. */
void activities_move(struct worker *worker, struct activity_world *world);

/* Desk's thread. A packed PollActivityTaskQueueResponse, with its slot. */
void activities_accept(struct worker *worker, struct span packed);

/* Desk's thread: tells every executing task. */
void activities_cancel(struct worker *worker, enum activity_cancel_reason reason);

/* Desk's thread: what has been given back is not answered any more. */
void activities_abandon(struct worker *worker);

/* Stops the loops of all worlds: their last notes are in the desk's box then. */
void activities_stop(struct worker *worker);

/* Frees the worlds. No task may be left. */
void activities_release(struct worker *worker);

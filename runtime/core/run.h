/*
 * One workflow run, pure: history goes in, jobs for the script come out, commands come back, and
 * what the server must hear is the result. No clock, no thread, no I/O, no Lua, no protobuf.
 *
 *     run_begin -> { run_feed, run_next -> run_apply }* -> run_reply -> run_end
 *
 * The law is docs/protocol.md: cutting, applying, jobs, matching. Anything doubtful fails the run;
 * its owner then evicts and rebuilds it from the whole history, which is always right.
 */
#pragma once

#include "base/error.h"
#include "core/event.h"

struct run;

/* A task as polled. */
struct run_task {
    int64_t previous_started_id; /* 0: the run's first task */
    int64_t started_id;          /* 0: a query only */
    struct span sdk_name;        /* ours, lives as long as the run; both empty: never named */
    struct span sdk_version;
};

enum run_need {
    RUN_NEED_HISTORY, /* feed the next page */
    RUN_NEED_SCRIPT,  /* react to these jobs, then run_apply */
    RUN_NEED_NOTHING, /* the task is worked off: run_reply says what to send */
    RUN_NEED_FAIL, /* err is set: ERROR_HISTORY is nondeterminism, all else is a broken history */
};

enum job_kind {
    JOB_INITIALIZE,  /* event: WORKFLOW_STARTED */
    JOB_RANDOM_SEED, /* event: TASK_FAILED with the new run id */
    JOB_SIGNAL,
    JOB_FIRE_TIMER,
    JOB_RESOLVE_ACTIVITY, /* event: COMPLETED, FAILED, TIMED_OUT or CANCELED; NULL: cancelled at
                             once */
    JOB_CANCEL_WORKFLOW,
};

struct job {
    enum job_kind kind;
    uint32_t seq;
    const struct event *event;
    int64_t scheduled_id; /* activity: its SCHEDULED event, 0 when it was never sent */
    int64_t started_id;   /* activity: its STARTED event, 0 when none was seen */
};

/* What a script may know during one activation; constant within it. */
struct run_moment {
    int64_t now_ms;
    bool replaying;
    int64_t history_length;
    int64_t history_bytes;
    bool suggest_continue_as_new;
};

struct run_jobs {
    struct run_moment moment;
    const struct job *jobs;
    size_t count;
    bool committed;             /* history holds the completion of the task: it was acted on once */
    const struct event *marker; /* with JOB_INITIALIZE: what that completion recorded first, when
                                   it is a marker */
};

/*
 * What the server must hear at the end of a task. The commands are those asked for and not yet
 * confirmed by history, also when `respond` is false, so that a replayer can compare them.
 */
struct run_answer {
    bool respond; /* false: a query, a closed run, or replay: send no completion */
    const struct command *const *commands;
    size_t count;
    const uint32_t *new_flags; /* lang flags used and not recorded before */
    size_t new_flag_count;
    bool name_sdk; /* the sdk pair differs from the last recorded one */
    bool terminal; /* a closing command is among the commands */
    bool stale; /* a query was answered from events that no task has taken up yet: do not keep the
                   run, its next task would fail */
};

struct run *run_new(void);
void run_free(struct run *run);

/* Opens a task. The events fed, and all they point to, must live until run_end. */
void run_begin(struct run *run, struct run_task task);

/* Adds one page; `more` when another page token came with it. An empty page is legal. */
bool run_feed(struct run *run, const struct event *events, size_t count, bool more,
              struct error *err);

enum run_need run_next(struct run *run, struct run_jobs *jobs, struct error *err);

/* What the script did in answer to the jobs. Commands must live until run_end. */
bool run_apply(struct run *run, const struct command *commands, size_t count, struct error *err);

void run_reply(struct run *run, struct run_answer *answer);
void run_end(struct run *run);

/* Last event applied. A task whose first event is not the next one needs the whole history. */
int64_t run_last_event(const struct run *run);
bool run_closed(const struct run *run);
struct run_moment run_moment(const struct run *run);

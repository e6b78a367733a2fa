/*
 * Workflow runs for the worker and the replayer: core, Lua and wire types put together.
 *
 * A host belongs to one runner thread and has the cells. A run is one workflow run in memory: its
 * machine and its instance. A task goes through it as
 *
 *     workflow_begin -> { workflow_step -> workflow_page }* -> send the answers -> workflow_end
 *
 * Everything the steps return lives in the task's arena. No I/O happens here.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "proto/proto.h"
#include "store/store.h"

struct workflow_host;
struct workflow_run;

struct workflow_options {
    const struct store *store; /* the scripts; needed while the host opens */
    const char *space;
    const char *task_queue;
    const char *identity;
    const char *sticky_queue; /* NULL: no sticky execution */
    int sticky_timeout_ms;
    int slice_ms;             /* CPU time per activation; default 1000 */
    size_t instance_limit;    /* bytes a run; default 64 MiB */
    size_t max_runs_per_cell; /* default 500 */
    bool newest;              /* a run takes the newest code, whatever code it began on */
    size_t payload_limit;     /* namespace limit blob_size_limit_error; default 2 MiB */
    /* Asked of each activity that an answer schedules on this worker's queue: whether its task may
     * come with the server's reply. NULL: none may. */
    bool (*eager)(void *user, const char *activity_type);
    void *eager_user;
};

enum workflow_step {
    WORKFLOW_NEEDS_PAGE, /* fetch history with answer.page_token (empty: from the start) */
    WORKFLOW_ANSWERS,    /* send what is in the answer, then call workflow_end */
};

enum workflow_answer_kind {
    ANSWER_NOTHING,   /* let the task time out: later attempts of a failing task */
    ANSWER_COMPLETED, /* body: RespondWorkflowTaskCompletedRequest */
    ANSWER_FAILED,    /* body: RespondWorkflowTaskFailedRequest */
    ANSWER_QUERY,     /* body: RespondQueryTaskCompletedRequest */
};

struct workflow_answer {
    enum workflow_answer_kind kind;
    struct span body;
    struct span page_token;
    bool evict;  /* the run must leave the cache after this task, whatever the server says */
    bool closes; /* a closing command is in it: evict once the server took it */
    const char *failure_reason; /* metric label: NonDeterminismError, WorkflowError, ... or NULL */
    const char *outcome;        /* metric: completed, failed, canceled, continue_as_new or NULL */
    struct span error;          /* for the log when the task failed: message and place */
};

bool workflow_host_open(struct workflow_host **out, const struct workflow_options *options,
                        struct error *err);
void workflow_host_close(struct workflow_host *host);

/* A new reading of the scripts, in two steps, so that several hosts take it or none of them does.
 * On the host's thread, between tasks. Prepare does all that can fail, and changes nothing; a
 * reading that was prepared before is discarded. From take on new runs have the code of what was
 * prepared; a run that has begun keeps its own. */
bool workflow_host_prepare(struct workflow_host *host, const struct store *store,
                           struct error *err);
void workflow_host_take(struct workflow_host *host);
void workflow_host_discard(struct workflow_host *host); /* does nothing when nothing is prepared */

/* From now on completions ask neither for the sticky queue nor for the next task: this worker is
 * about to leave, and its runs shall go on elsewhere. */
void workflow_host_leave(struct workflow_host *host);

/* Hears of each type that a bundle's entry script defines; false ends the reading. */
struct workflow_type_reader {
    bool (*found)(void *user, const struct store_bundle *bundle, struct span type,
                  struct error *err);
    void *user;
};

/* Loads a bundle once, in a cell of its own, as a host would. Any thread. */
bool workflow_describe(const struct store_bundle *bundle, const struct workflow_type_reader *reader,
                       struct error *err);

/* A run knows nothing until its first task. */
struct workflow_run *workflow_run_new(struct workflow_host *host, struct span run_id);
void workflow_run_free(struct workflow_run *run);

/* Opens a task; the poll's message must live in the arena. */
void workflow_begin(struct workflow_run *run, struct arena *arena,
                    const Tpb__Workflowservice__PollWorkflowTaskQueueResponse *task);
enum workflow_step workflow_step(struct workflow_run *run, struct workflow_answer *answer);

/* A page fetched by GetWorkflowExecutionHistory. */
void workflow_page(struct workflow_run *run,
                   const Tpb__Workflowservice__GetWorkflowExecutionHistoryResponse *page);
void workflow_end(struct workflow_run *run);

/* --- replay: the same code over a recorded history, no server --- */

enum workflow_replay_mode { REPLAY_WHOLE, REPLAY_TASK_BY_TASK, REPLAY_EVICTING };

struct workflow_replay_report {
    bool keep_commands; /* set by the caller: fill `commands` */
    size_t events;
    size_t tasks;   /* those that were completed, and one that is open at the end */
    bool own_code;  /* it ran on the code that the history records */
    char code[128]; /* "workflows/sync_source.lua@9f3c1a7": what it ran on, once it ran */
    /* The commands of all activations, packed as one RespondWorkflowTaskCompletedRequest, for
     * comparing replays byte by byte. The caller releases it. */
    struct bytes commands;
};

/* Whether the history records the code that its run began on: it then needs no scripts. */
bool workflow_records_code(const Tpb__History__History *history);

/* False with ERROR_HISTORY and both sides named when the script does not do what the history says,
 * ERROR_SCRIPT when it failed on the way, ERROR_MALFORMED when the history itself is broken.
 * `report` may be NULL. */
bool workflow_replay(struct workflow_host *host, const Tpb__History__History *history,
                     const char *workflow_id, enum workflow_replay_mode mode,
                     struct workflow_replay_report *report, struct error *err);

/* What a run is made of. For the files of this room alone. */
#pragma once

#include "core/run.h"
#include "workflow/host.h"

/* Why a task is not completed, as the server will read it. */
struct refusal {
    Tpb__Enums__WorkflowTaskFailedCause cause;
    Tpb__Failure__Failure *failure;
    const char *reason; /* of the metric */
    bool doubtful;      /* the history is at fault, perhaps only the part of it at hand */
};

/* What replay keeps of every activation, to compare runs byte by byte. */
struct recorder {
    struct bytes *commands;
    size_t activations; /* seen in this run */
    size_t recorded;    /* of all runs over the history */
};

/* What a history tells of its run's first task before the run is there. */
struct beginning {
    bool committed;             /* the task was completed */
    const struct event *marker; /* which recorded this first; NULL: no marker */
};

struct workflow_run {
    struct workflow_host *host;
    struct run *core;
    struct instance *instance; /* NULL until the first event was applied */
    struct code_cell *cell;
    char *run_id;

    /* the task at hand */
    struct arena *arena;
    const Tpb__Workflowservice__PollWorkflowTaskQueueResponse *task;
    struct span page_token;
    bool refetching; /* pages come from event 1 on, and the poll's own events close them */
    bool rebuilt;
    struct refusal *refusal; /* NULL: none */
    bool pins;               /* the marker of its code heads the commands of this activation */

    bool rehearsal;                    /* a replay: the script writes no log, and nothing is sent */
    const struct beginning *beginning; /* of a replay, which is fed less than is known */
    struct recorder *recorder;         /* NULL: none */
};

/* Applies all history that is there. With WORKFLOW_ANSWERS the run is worked off, or refused. */
enum workflow_step workflow_advance(struct workflow_run *run);

/* Lets the script react to the jobs. False and run->refusal when it could not. */
bool activation_run(struct workflow_run *run, const struct run_jobs *jobs);

/* Answers of queries, in order; run->refusal when the script could not be asked. */
bool activation_query(struct workflow_run *run, const Tpb__Query__WorkflowQuery *const *queries,
                      size_t count, Tpb__Query__WorkflowQueryResult **results);

/* Sets run->refusal from an error of ours. Always false. */
bool refuse(struct workflow_run *run, const struct error *err);
bool refuse_with(struct workflow_run *run, Tpb__Enums__WorkflowTaskFailedCause cause,
                 Tpb__Failure__Failure *failure, const char *reason);

/* A Failure of our own, as an application failure of that type. */
Tpb__Failure__Failure *refusal_failure(struct arena *arena, const char *type, const char *message);

/* What to send at the end of the task. */
void answer_task(struct workflow_run *run, struct workflow_answer *answer);

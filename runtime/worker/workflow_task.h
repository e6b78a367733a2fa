/*
 * One workflow task on its way: unpacked, applied step by step with pages fetched in between,
 * answered, done. It lives on its runner's thread and owns the arena that all of it is in.
 */
#pragma once

#include "proto/proto.h"
#include "worker/exchange.h"
#include "worker/peek.h"
#include "worker/runner.h"

struct workflow_task {
    struct note note; /* desk to runner when it arrives, runner to desk when it is over */
    struct runner *runner;
    struct held_run *held;
    struct workflow_task *next;
    struct bytes packed;
    struct peek peek; /* into packed */
    struct arena arena;
    const Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll;
    struct workflow_answer answer;
    struct exchange exchange;
    struct workflow_task *follower; /* the run's next task, which came with the answer's reply */
    int eager;                      /* slots reserved for activities that may come with it */
    struct bytes reply;             /* packed, when slots were */
    const char *labels;             /* metric: workflow_type */
    int64_t begun_us;
    int64_t worked_us; /* of that, not waiting for pages */
    bool rebuilds;     /* its run has a past that is not in memory */
};

/* Takes the packed task. */
struct workflow_task *workflow_task_new(struct runner *runner, struct bytes *packed);
void workflow_task_free(struct workflow_task *task);

/* Unpacks and checks. False: it cannot be worked on and will be refused by workflow_task_refuse. */
bool workflow_task_open(struct workflow_task *task, struct error *err);

/* Tells the server why, if it wants to hear it, and finishes the task. */
void workflow_task_refuse(struct workflow_task *task, const struct error *why);

/* Its run is free and in memory. */
void workflow_task_begin(struct workflow_task *task);

bool workflow_task_is_query(const struct workflow_task *task);
struct span workflow_task_run_id(const struct workflow_task *task);

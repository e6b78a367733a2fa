/*
 * One workflow task on its way: unpacked, applied step by step with pages fetched in between,
 * answered, done. It lives on its runner's thread and owns the arena that all of it is in.
 */
#pragma once

#include "proto/proto.h"
#include "worker/exchange.h"
#include "worker/peek.h"
#include "worker/runner.h"

struct task {
    struct note note; /* desk to runner when it arrives, runner to desk when it is over */
    struct runner *runner;
    struct held_run *held;
    struct task *next;
    struct bytes packed;
    struct peek peek; /* into packed */
    struct arena arena;
    const Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll;
    struct workflow_answer answer;
    struct exchange exchange;
    struct task *follower; /* the run's next task, which came with the answer's reply */
    const char *labels;    /* metric: workflow_type */
    int64_t begun_us;
};

/* Takes the packed task. */
struct task *task_new(struct runner *runner, struct bytes *packed);
void task_free(struct task *task);

/* Unpacks and checks. False: it cannot be worked on and will be refused by task_refuse. */
bool task_open(struct task *task, struct error *err);

/* Tells the server why, if it wants to hear it, and finishes the task. */
void task_refuse(struct task *task, const struct error *why);

/* Its run is free and in memory. */
void task_begin(struct task *task);

bool task_is_query(const struct task *task);
struct span task_run_id(const struct task *task);

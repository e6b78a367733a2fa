/* Tasks as a server hands them out, and its reading of the answers. */
#pragma once

#include "workflow/theatre.h"

typedef Tpb__Workflowservice__PollWorkflowTaskQueueResponse Poll;
typedef Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest Completed;
typedef Tpb__Workflowservice__RespondWorkflowTaskFailedRequest Failed;
typedef Tpb__Workflowservice__RespondQueryTaskCompletedRequest Answered;

/* A poll with the events from `first` on; the last started one is the task's. */
Poll *poll(const char *words, int64_t first);

Tpb__Query__WorkflowQuery *query(const char *type, const char *argument);
/* A query's own task: nothing to complete, history as it stands. */
Poll *query_poll(const char *words, int64_t first, Tpb__Query__WorkflowQuery *q);

struct workflow_run *new_run(void);

/* Works the task off. Its answer needs no further page of history. */
struct workflow_answer work(struct workflow_run *run, const Poll *p);

/* The answer's body; the story fails when it is another kind of answer. */
Completed *completed(const struct workflow_answer *answer);
Failed *failed(const struct workflow_answer *answer);
Answered *answered(const struct workflow_answer *answer);

const char *text_of(const Tpb__Common__Payloads *payloads);
void has(const char *text, const char *part);

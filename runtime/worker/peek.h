/*
 * What the desk must know of a polled workflow task before a runner unpacks it: whether there is
 * one, whose it is, and how long the queue behind it. Reads the wire format of
 * PollWorkflowTaskQueueResponse without unpacking; bytes that are no such message leave fields
 * empty. An activity task has its token at the same place; its other fields mean nothing here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct peek {
    struct span token; /* empty: the poll brought nothing */
    struct span run_id;
    int64_t backlog;
    int64_t attempt;
    bool query; /* a query-only task */
};

struct peek peek_workflow_task(struct span packed);

/* Takes the next activity task, packed, out of what is left of a packed
 * RespondWorkflowTaskCompletedResponse; false when there is none. */
bool peek_activity_task(struct span *rest, struct span *task);

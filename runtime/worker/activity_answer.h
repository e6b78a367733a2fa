/*
 * How an activity's outcome reaches the server: unconfirmed heartbeat details first or with it,
 * then the answer, again and again while the server is away and still waits for it.
 */
#pragma once

#include "worker/activities.h"

/* The loop has given the outcome. */
void activity_answer_begin(struct activity_task *task);

/* A call or a pause of a task that has ended is over: the next step, or the end. */
void activity_answer_next(struct activity_task *task);

/* --- in activities.c --- */

/* Sends the details at once; beat_answered goes on with activity_answer_next. */
void activity_beat_send(struct activity_task *task);

/* Frees the task and its slot. */
void activity_task_free(struct activity_task *task);

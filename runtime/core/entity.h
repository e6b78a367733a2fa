/*
 * The Temporal entities, one file each, and the two tables that lead to them: from a command to the
 * entity that takes it and the event that confirms it, and from any other event to who hears it.
 *
 * An entity is a file, its lines in entity.c, its machine table in machine.c and, when it stays
 * open, a roster in struct run. Child and external workflows, updates, nexus operations, upserts
 * and patches are none of this build's: their events and commands are refused by name.
 */
#pragma once

#include "core/inside.h"
#include "core/machine.h"

/* A command from the script. */
bool entity_ask(struct run *run, const struct command *command, struct error *err);
/* An event that confirms a command: must be the next one asked for. */
bool entity_confirm(struct run *run, const struct event *event, struct error *err);
/* Any other event. */
bool entity_hear(struct run *run, const struct event *event, struct error *err);

/* Whether the event is nothing to this build, by its type or by its own word. */
bool entity_ignores(const struct event *event);
/* The event belongs to something that is not open. Sets ERROR_HISTORY, always returns false. */
bool entity_not_open(const char *kind, const struct event *event, struct error *err);

extern const struct machine_table task_table;
bool task_hear(struct run *run, const struct event *event, struct error *err);
/* Whether the event may come now: behind an answered task only its completion may. */
bool task_allows(const struct run *run, const struct event *event, struct error *err);
/* The script has acted on the task that begins at the last event applied. */
bool task_answer(struct run *run, struct error *err);

extern const struct machine_table timer_table;
bool timer_start(struct run *run, const struct command *command, struct error *err);
bool timer_revoke(struct run *run, const struct command *command, struct error *err);
void timer_started(struct run *run, const struct command *command, const struct event *event);
void timer_canceled(struct run *run, const struct command *command, const struct event *event);
bool timer_hear(struct run *run, const struct event *event, struct error *err);

extern const struct machine_table activity_table;
bool activity_schedule(struct run *run, const struct command *command, struct error *err);
bool activity_revoke(struct run *run, const struct command *command, struct error *err);
void activity_scheduled(struct run *run, const struct command *command, const struct event *event);
void activity_cancel_requested(struct run *run, const struct command *command,
                               const struct event *event);
bool activity_hear(struct run *run, const struct event *event, struct error *err);

extern const struct machine_table marker_table;
bool marker_record(struct run *run, const struct command *command, struct error *err);
void marker_recorded(struct run *run, const struct command *command, const struct event *event);

extern const struct machine_table ending_table;
bool ending_ask(struct run *run, const struct command *command, struct error *err);
void ending_confirmed(struct run *run, const struct command *command, const struct event *event);
bool ending_hear(struct run *run, const struct event *event, struct error *err);
bool ending_asked(const struct run *run);

/* Jobs only. */
bool signal_hear(struct run *run, const struct event *event, struct error *err);
bool start_hear(struct run *run, const struct event *event, struct error *err);
bool cancel_hear(struct run *run, const struct event *event, struct error *err);

/*
 * Histories as messages, written the way people tell them: events separated by ';', what an event
 * carries as JSON behind it.
 *
 *     history_of(&arena, "start Hello 'Ann'; task; activity 1 greet; done 1 'hi'; task; complete
 * 'hi'");
 *
 *     start TYPE [JSON]   signal NAME [JSON]   cancel
 *     task (scheduled, started, completed)   open (scheduled, started)   lost (scheduled, started,
 *     timed out)   failed (scheduled, started, failed)   reset RUN_ID (failed, with a new seed)
 *     answered, refused (the open task completed, failed)
 *     activity ID TYPE   began ID   done ID [JSON]   broke ID TYPE TEXT   late ID (timed out)
 *     revoke ID (cancel requested)   revoked ID
 *     pinned (a task whose completion records the marker of the run's code, as yet without details)
 *     timer ID   fired ID   stopped ID      marker NAME
 *     strange [ignorable] (an event type that nobody knows)
 *     complete [JSON]   fail   cancelled   renew (continued as new)
 *
 * 'text' stands for "text", so that C needs no backslashes. `done` and `broke` begin the activity
 * when nothing else did. Event n happens n seconds after 1970. Completed tasks record flag 1.
 */
#pragma once

#include "base/arena.h"
#include "proto/proto.h"

Tpb__History__History *history_of(struct arena *arena, const char *words);

/* The same bit by bit: the history grows with all that is said. */
struct history_writer;
struct history_writer *history_begin(struct arena *arena);
void history_say(struct history_writer *writer, const char *words);
Tpb__History__History *history_said(struct history_writer *writer);

/* The marker's event says what the command says. */
void history_mark(Tpb__History__HistoryEvent *event, struct arena *arena,
                  const Tpb__Command__RecordMarkerCommandAttributes *command);

/* "json/plain" Payloads of one JSON text. */
Tpb__Common__Payloads *history_payloads(struct arena *arena, const char *json);

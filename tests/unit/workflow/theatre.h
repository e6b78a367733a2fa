/* A host over scripts that the story writes itself, and replays on it. */
#pragma once

#include "workflow/history.h"
#include "workflow/workflow.h"

/* For cmocka: a fresh folder of scripts for each story, gone afterwards. */
int theatre_open(void **state);
int theatre_close(void **state);

void theatre_script(const char *name, const char *text);

/* The host over what was written; one for each story. */
struct workflow_host *theatre_host(void);
bool theatre_try_host(struct workflow_options options, struct error *err);

/* The host prepares what was written since; and takes it. */
bool theatre_prepare(struct error *err);
bool theatre_reload(struct error *err);

/* Closes the host, so that the next one sees what was written since. */
void theatre_forget(void);

/* Memory of the story; rest forgets what is in it. */
struct arena *theatre_arena(void);
void theatre_rest(void);

/* workflows/t.lua is the text; the history replays on it in all three ways, with equal commands. */
void theatre_replays(const char *script, const char *words);

void theatre_replays_history(const Tpb__History__History *history);

/* It does not replay: in each of the ways for that reason, and the text names both. */
void theatre_refuses(const char *script, const char *words, enum error_kind kind, const char *text);
void theatre_refuses_history(const Tpb__History__History *history, enum error_kind kind,
                             const char *text);

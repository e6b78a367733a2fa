/*
 * A run lived through with a random script, server and worker, and then replayed in every way.
 *
 * What must hold: the replay of the history that came out asks for the same commands in every
 * task, without an error: whole, in pages of any size, and rebuilt for every task; a worker that
 * evicts at random answers as one that never does; and a script changed in one command of the past
 * is refused.
 */
#pragma once

#include "chance.h"

/* What did not hold, "" when all did. Valid until the next call. */
const char *world_play(struct chance *chance);

/* Feeds a run whatever comes: nothing worse than a refusal may come of it. */
void world_confuse(struct chance *chance);

/* What was lived through by all calls: tasks answered, events written, events replayed. */
struct world_tally {
    unsigned long runs, tasks, events, replayed, refused;
};
struct world_tally world_tally(void);
void world_forget(void);

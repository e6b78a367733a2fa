/*
 * Plays a history to a run, in pages of any size, and says in words what the run asks for:
 *
 *     "3: initialize"            activation at history length 3, with these jobs
 *     "9: signal(k) fire(1)"     timer 1 fired
 *     "9: activity(1 done)"      done, broke, lapsed, revoked, or "released": cancelled at once
 *     "nothing"  "fail"          worked off; refused, player.err says why
 *
 * A '*' behind the length ("3*:") marks a replay.
 */
#pragma once

#include "builder.h"
#include "core/run.h"

struct player {
    struct run *run;
    struct builder *history;
    size_t fed;
    size_t page;      /* events a page; 0: all at once */
    bool empty_pages; /* one empty page between two */
    bool gave_empty;
    struct run_jobs jobs;
    struct run_answer answer;
    struct error err;
    char text[2048];
};

/* Opens a task that ends with the last event of the history when that is a begun task, and is a
 * query only otherwise. Events up to the run's last are not sent. */
void player_begin(struct player *p, struct builder *history);
const char *player_next(struct player *p);

/*
 * What the script does, in words: "activity:1/charge" "timer:1" "marker:name" (numbers are seqs and
 * ids), "revoke:1" "wait:1" "abandon:1" (cancel activity 1), "untimer:1", "complete" "fail"
 * "cancelled" "renew". Commands come from w.lua:1, w.lua:2, ... in the order of the words.
 */
bool player_act(struct player *p, const char *words);

/* The answer in the same words, "-" in front when it must not be sent. */
const char *player_answer(struct player *p);
/* Ends the task and the run with it. */
void player_evict(struct player *p);

/*
 * One task of a run: what history brings, what the script is asked for and does, what the server
 * hears. Several rounds of one task stand apart by "|": {"open", "3: initialize | 3: activity(1
 * released)", "activity:1/a revoke:1 | complete", "complete"}.
 */
struct turn {
    const char *history; /* NULL ends a list of turns */
    const char *jobs;
    const char *act;
    const char *answer;
};

/*
 * Asserts that the run takes these turns: kept in the cache, rebuilt for every task, and with pages
 * of every size up to 4.
 */
void player_tell(const struct turn *turns);

/*
 * Plays the turns' deeds over a history and returns why it was refused, "" when it was not. The
 * turns' history and answers are not used.
 */
const char *player_refusal(struct player *p, struct builder *history, const struct turn *turns);

/*
 * A small server of chance: it takes a run's completions as a Temporal server does, writes history,
 * and lets activities end, timers fire and signals come in an order drawn from a seed. It loses
 * tasks, refuses answers, cancels the workflow.
 *
 * At every task it asks two workers: one that kept the run in memory, one that rebuilds it from the
 * whole history. Their answers must be equal to the byte.
 */
#pragma once

#include "workflow/theatre.h"

/* Plays one run of the workflow to its end; the history it left. */
Tpb__History__History *server_play(const char *workflow, uint64_t seed);

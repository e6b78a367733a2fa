/*
 * A stage for stories about cells: one script around the body of a function, and a library that
 * runs it and can wait.
 */
#pragma once

#include "script/cell.h"

/* Opens a cell whose runs do `body`, with `input` in hand. In it `wait()` waits for the next
 * activation and returns its input, `spawn(fn)` runs fn in a fiber of its own up to its first wait.
 */
struct cell *stage_cell(const char *body);
struct cell *stage_cell_with(const char *body, size_t instance_limit, int slice_ms);

/* Opens a cell with these scripts; one of them calls define(function(input) ... end). */
bool stage_bundle(struct cell **out, const struct script_source *sources, size_t count,
                  struct error *err);

struct instance *stage_run(struct cell *cell);

/* One activation: what the body returned ("true 7"), raised ("false story.lua:1: oh"), "waits", or
 * "out of time: ...". Valid until the next call. */
const char *stage_say(struct instance *instance, const char *input);

/* A cell, a run, one activation. */
const char *stage_once(const char *body);

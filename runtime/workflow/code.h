/*
 * A bundle in a host, and the cells that run it. A cell takes runs until it is full, then another
 * one is opened; an empty one is closed when the bundle has others. The bundle is let go when new
 * runs take another one and its last run has left.
 */
#pragma once

#include "script/cell.h"
#include "workflow/workflow.h"

struct code_cell {
    struct code_cell *next;
    struct code *code;
    struct cell *cell;
};

struct code {
    struct code *next;
    const struct store_bundle *bundle;
    struct code_cell *cells;
    bool serves;   /* it is of the newest reading: new runs take it */
    bool prepared; /* it is of the reading that is taken next */
    bool described;
    const char **types; /* defined by the entry script; known once it is described */
    size_t type_count;
    struct wire_command *marker; /* pin.h; NULL until a run needs it */
    bool stays;                  /* too large for a history: kept for the runs that began on it */
    struct arena arena;
};

/* All codes of a host. */
struct codes {
    struct workflow_options options;
    struct code *first;
};

/* That of the bundle's hash; NULL when there is none. */
struct code *code_find(const struct codes *codes, const char *hash);
/* As above; it is added when there is none. */
struct code *code_of(struct codes *codes, const struct store_bundle *bundle);

/* Learns the types: once, for they follow from the sources. */
bool code_describe(const struct codes *codes, struct code *code, struct error *err);

/* An instance in a cell that has room. */
struct instance *code_instance(struct codes *codes, struct code *code, struct code_cell **cell,
                               struct error *err);
void code_release(struct codes *codes, struct code_cell *cell, struct instance *instance);

/* Lets go of those that nobody needs: they neither serve nor will nor stay, and have no runs. */
void codes_sweep(struct codes *codes);
void codes_release(struct codes *codes);

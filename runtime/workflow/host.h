/*
 * A runner thread's workflow types and cells. Types are found by loading each bundle once in a
 * cell of its own. A cell takes runs until it is full, then another one is opened; an empty one
 * is closed when the bundle has others.
 *
 * Several versions of a type (by the hash that a run's history records) belong in host_find.
 */
#pragma once

#include "base/map.h"
#include "script/cell.h"
#include "workflow/workflow.h"

struct host_cell {
    struct host_cell *next;
    const struct store_bundle *bundle;
    struct cell *cell;
};

struct workflow_host {
    struct workflow_options options;
    struct map types;   /* name -> const struct store_bundle * */
    struct bytes known; /* the names, sorted, for error texts */
    struct host_cell *cells;
};

/* The bundle that defines the type. NULL, and err names the known types, when none does. */
const struct store_bundle *host_find(const struct workflow_host *host, struct span type,
                                     struct error *err);

/* An instance of the bundle in a cell that has room. */
struct instance *host_instance(struct workflow_host *host, const struct store_bundle *bundle,
                               struct host_cell **cell, struct error *err);
void host_release(struct workflow_host *host, struct host_cell *cell, struct instance *instance);

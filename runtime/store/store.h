/*
 * A reading of the scripts folder: the bundles of its scripts. It never changes; a later reading is
 * another store. Any thread may read it, and a bundle may be held longer than the store it came
 * from.
 */
#pragma once

#include "store/bundle.h"

struct store;

/* The bundles of these files, sorted by name, which are copied. Files whose requires have no target
 * or a cycle are added to the faults, and no bundle has them. */
struct store *store_make(const struct store_file *files, size_t count, struct store_faults *faults);

/* Reads a folder. Fails with the first fault: ERROR_SCRIPT naming file:line when it is a require's.
 */
bool store_open(struct store **out, const char *dir, struct error *err);

/* NULL is nothing. */
void store_close(struct store *store);

/* Bundles whose entry lies in the folder: "workflows", "activities", "reports". A file that is no
 * script, a template, is a bundle of its own. */
size_t store_bundles(const struct store *store, const char *folder,
                     const struct store_bundle *const **out);

/* The bundle of that entry; NULL when there is none. */
const struct store_bundle *store_find(const struct store *store, struct span entry);

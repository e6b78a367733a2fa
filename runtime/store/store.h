/*
 * Script bundles by content hash. A bundle is one entry script with what it requires, named by the
 * SHA-256 of the sources; it never changes.
 */
#pragma once

#include "store/folder.h"

struct store_bundle {
    char hash[65];
    const struct store_file *files; /* what is required comes first, the entry is last */
    size_t count;
};

/* The name of the entry script. */
static inline struct span store_entry(const struct store_bundle *bundle)
{
    return bundle->files[bundle->count - 1].name;
}

struct store;

/* The bundles of these files, sorted by name, which are copied. Files whose requires have no target
 * or a cycle are added to the faults, and no bundle has them. */
struct store *store_make(const struct store_file *files, size_t count, struct store_faults *faults);

/* Reads a folder. Fails with the first fault: ERROR_SCRIPT naming file:line when it is a require's.
 */
bool store_open(struct store **out, const char *dir, struct error *err);
void store_close(struct store *store);

/* Bundles whose entry lies in the folder: "workflows", "activities", "reports". A file that is no
 * script, a template, is a bundle of its own. */
size_t store_bundles(const struct store *store, const char *folder,
                     const struct store_bundle *const **out);

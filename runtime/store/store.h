/*
 * Script bundles by content hash. A bundle is one entry script with what it requires, named by the
 * SHA-256 of the sources; it never changes.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct store_file {
    struct span name; /* path below the scripts folder: "workflows/sync_source.lua" */
    struct span text;
};

struct store_bundle {
    char hash[65];
    const struct store_file *files; /* what is required comes first, the entry is last */
    size_t count;
};

struct store;

/* Reads every .lua below dir. Fails with ERROR_SCRIPT naming file:line when a require has no target
 * or a cycle. */
bool store_open(struct store **out, const char *dir, struct error *err);
void store_close(struct store *store);

/* Bundles whose entry lies in the folder: "workflows", "activities". */
size_t store_bundles(const struct store *store, const char *folder,
                     const struct store_bundle *const **out);

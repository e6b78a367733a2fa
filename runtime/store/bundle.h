/*
 * A bundle is one entry script with what it requires, named by the SHA-256 of names and texts. It
 * never changes, is counted by who holds it, and may be held by several threads: it outlives the
 * reading of the folder that it came from.
 */
#pragma once

#include "store/folder.h"

struct store_bundle {
    char hash[65];
    const struct store_file *files; /* what is required comes first, the entry is last */
    size_t count;                   /* at least one */
};

/* The name of the entry script. */
static inline struct span store_entry(const struct store_bundle *bundle)
{
    return bundle->files[bundle->count - 1].name;
}

/* A bundle of these files, which are copied, in this order. Held once, by the caller. */
const struct store_bundle *store_bundle_new(const struct store_file *files, size_t count);

/* Names and texts in order, each behind its size in eight bytes, the lowest first: the bundle's
 * hash is the SHA-256 of this. */
void store_bundle_write(const struct store_bundle *bundle, struct bytes *out);
/* The way back, held once. NULL with ERROR_MALFORMED when it is nothing that was written so. */
const struct store_bundle *store_bundle_read(struct span written, struct error *err);

const struct store_bundle *store_bundle_hold(const struct store_bundle *bundle);
void store_bundle_release(const struct store_bundle *bundle); /* NULL is nothing */

/*
 * A hash map from a 64-bit number or from text to a pointer. A map of all zeros is empty and valid.
 * Keys of text are copied. NULL is no value: putting NULL removes.
 * One map has keys of one kind; mixing them is a bug.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct map_entry {
    uint64_t hash; /* 0: free */
    uint64_t number;
    char *text; /* NULL when keyed by number */
    size_t text_size;
    void *value;
};

struct map {
    struct map_entry *entries;
    size_t count;
    size_t room;
};

void *map_get(const struct map *m, uint64_t key);
void *map_put(struct map *m, uint64_t key, void *value); /* the old value or NULL */
void *map_remove(struct map *m, uint64_t key);

void *map_get_text(const struct map *m, struct span key);
void *map_put_text(struct map *m, struct span key, void *value);
void *map_remove_text(struct map *m, struct span key);

/* Walks in no order: `for (struct map_entry *e = NULL; (e = map_next(m, e));)`. No changes
 * meanwhile. */
struct map_entry *map_next(const struct map *m, struct map_entry *after);

void map_release(struct map *m);

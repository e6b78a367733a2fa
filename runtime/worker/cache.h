/*
 * The runs that one runner keeps in memory, found by run id.
 *
 * A run is claimed while a task of it is worked on and rests otherwise. The capacity is for runs at
 * rest: claimed ones are bounded by the task slots. Only a resting run can be surplus, the one that
 * has rested longest first, so a run with work waiting is never dropped in favour of an idle one.
 */
#pragma once

#include <stdbool.h>

#include "base/map.h"

struct cache_entry {
    struct span run_id; /* memory of the entry's owner */
    struct cache_entry *older;
    struct cache_entry *newer;
    bool resting;
};

struct cache {
    struct map by_run;
    struct cache_entry *oldest; /* at rest */
    struct cache_entry *newest;
    size_t resting;
    size_t capacity;
};

struct cache_entry *cache_find(const struct cache *cache, struct span run_id);

/* A new entry is claimed. */
void cache_add(struct cache *cache, struct cache_entry *entry);
void cache_claim(struct cache *cache, struct cache_entry *entry);
void cache_rest(struct cache *cache, struct cache_entry *entry);
void cache_remove(struct cache *cache, struct cache_entry *entry);

/* The entry that must go, NULL while the cache holds no more than it may. */
struct cache_entry *cache_surplus(const struct cache *cache);
void cache_release(struct cache *cache);

#include "worker/cache.h"

struct cache_entry *cache_find(const struct cache *cache, struct span run_id)
{
    return map_get_text(&cache->by_run, run_id);
}

void cache_add(struct cache *cache, struct cache_entry *entry)
{
    entry->resting = false;
    map_put_text(&cache->by_run, entry->run_id, entry);
}

void cache_claim(struct cache *cache, struct cache_entry *entry)
{
    if (!entry->resting)
        return;
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
    *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
    entry->older = entry->newer = NULL;
    entry->resting = false;
    cache->resting--;
}

void cache_rest(struct cache *cache, struct cache_entry *entry)
{
    if (entry->resting)
        return;
    entry->older = cache->newest;
    entry->newer = NULL;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
    entry->resting = true;
    cache->resting++;
}

void cache_remove(struct cache *cache, struct cache_entry *entry)
{
    cache_claim(cache, entry);
    map_remove_text(&cache->by_run, entry->run_id);
}

struct cache_entry *cache_surplus(const struct cache *cache)
{
    return cache->resting > cache->capacity ? cache->oldest : NULL;
}

void cache_release(struct cache *cache)
{
    map_release(&cache->by_run);
    *cache = (struct cache){0};
}

#include "base/map.h"

#include <stdlib.h>

#include "base/memory.h"

struct key {
    uint64_t hash;
    uint64_t number;
    struct span text;
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x ? x : 1;
}

static struct key number_key(uint64_t number)
{
    return (struct key){
        mix(number), number, {NULL, 0}
    };
}

static struct key text_key(struct span text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3u;
    return (struct key){
        mix(hash), 0, {text.data ? text.data : "", text.size}
    };
}

static bool matches(const struct map_entry *e, const struct key *k)
{
    if (e->hash != k->hash)
        return false;
    if (!k->text.data)
        return e->number == k->number;
    return e->text && span_equal((struct span){e->text, e->text_size}, k->text);
}

/* The entry of the key, or the free one where it belongs. */
static struct map_entry *place_of(const struct map *m, const struct key *k)
{
    size_t i = k->hash & (m->room - 1);
    while (m->entries[i].hash && !matches(&m->entries[i], k))
        i = (i + 1) & (m->room - 1);
    return &m->entries[i];
}

static void grow(struct map *m)
{
    struct map bigger = {.room = m->room ? m->room * 2 : 16, .count = m->count};
    bigger.entries = memory_new(bigger.room * sizeof *bigger.entries);
    for (size_t i = 0; i < m->room; i++) {
        size_t j = m->entries[i].hash & (bigger.room - 1);
        if (!m->entries[i].hash)
            continue;
        while (bigger.entries[j].hash)
            j = (j + 1) & (bigger.room - 1);
        bigger.entries[j] = m->entries[i];
    }
    free(m->entries);
    *m = bigger;
}

static void *get(const struct map *m, struct key k)
{
    return m->room ? place_of(m, &k)->value : NULL;
}

/* Removes by shifting the followers back, so that no tombstones are needed. */
static void *take(struct map *m, struct key k)
{
    struct map_entry *e = m->room ? place_of(m, &k) : NULL;
    if (!e || !e->hash)
        return NULL;
    void *old = e->value;
    free(e->text);
    size_t mask = m->room - 1;
    size_t hole = (size_t)(e - m->entries);
    for (size_t i = (hole + 1) & mask; m->entries[i].hash; i = (i + 1) & mask) {
        size_t home = m->entries[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->entries[hole] = m->entries[i];
            hole = i;
        }
    }
    m->entries[hole] = (struct map_entry){0};
    m->count--;
    return old;
}

static void *put(struct map *m, struct key k, void *value)
{
    if (!value)
        return take(m, k);
    if ((m->count + 1) * 4 > m->room * 3)
        grow(m);
    struct map_entry *e = place_of(m, &k);
    void *old = e->value;
    if (!e->hash) {
        e->hash = k.hash;
        e->number = k.number;
        e->text = k.text.data ? memory_copy(k.text.data, k.text.size) : NULL;
        e->text_size = k.text.size;
        m->count++;
    }
    e->value = value;
    return old;
}

void *map_get(const struct map *m, uint64_t key)
{
    return get(m, number_key(key));
}

void *map_put(struct map *m, uint64_t key, void *value)
{
    return put(m, number_key(key), value);
}

void *map_remove(struct map *m, uint64_t key)
{
    return take(m, number_key(key));
}

void *map_get_text(const struct map *m, struct span key)
{
    return get(m, text_key(key));
}

void *map_put_text(struct map *m, struct span key, void *value)
{
    return put(m, text_key(key), value);
}

void *map_remove_text(struct map *m, struct span key)
{
    return take(m, text_key(key));
}

struct map_entry *map_next(const struct map *m, struct map_entry *after)
{
    if (m->room == 0)
        return NULL;
    struct map_entry *end = m->entries + m->room;
    for (struct map_entry *e = after ? after + 1 : m->entries; e < end; e++)
        if (e->hash)
            return e;
    return NULL;
}

void map_release(struct map *m)
{
    for (size_t i = 0; i < m->room; i++)
        free(m->entries[i].text);
    free(m->entries);
    *m = (struct map){0};
}

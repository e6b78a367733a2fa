/* Choices: from a seed, or from bytes that a fuzzer varies. Both are the same forever. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
    const uint8_t *bytes; /* NULL: from the state */
    size_t size;
};

static inline uint64_t chance_mix(uint64_t state, uint64_t more)
{
    uint64_t x = (state ^ more) + 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* 0 to limit - 1. Bytes that ran out are zeros. */
static inline unsigned chance_pick(struct chance *c, unsigned limit)
{
    if (!c->bytes) {
        c->state = chance_mix(c->state, 1);
        return (unsigned)(c->state >> 32) % limit;
    }
    if (!c->size)
        return 0;
    c->size--;
    return *c->bytes++ % limit;
}

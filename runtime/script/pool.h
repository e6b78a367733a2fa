/*
 * Memory of one VM in small blocks: a VM takes and gives back so many that malloc's care for all
 * sizes and threads costs more than the scripts do.
 *
 * Pages of blocks of one size; a page whose last block comes back serves any size again, and a span
 * of pages that are all empty goes back to the system, but for one that is kept for what comes
 * next. A block's size is told when it comes back, so blocks have no head. A pool of all zeros is
 * empty and valid; one thread at a time.
 */
#pragma once

#include <stddef.h>

enum {
    POOL_STEP = 8,      /* sizes are rounded up to it, blocks are aligned to it */
    POOL_LARGEST = 512, /* larger blocks are not for a pool */
};

struct pool_page;
struct pool_span;

struct pool {
    struct pool_page *roomy[POOL_LARGEST / POOL_STEP]; /* by size: pages with room for more */
    struct pool_span *open;                            /* spans with empty pages */
    struct pool_span *full;                            /* all others */
    struct pool_span *spare;                           /* among the open ones: all its pages are */
};

/* Not zeroed. Out of memory aborts. */
void *pool_take(struct pool *pool, size_t size);
void pool_give(struct pool *pool, void *block, size_t size);

/* Frees all blocks at once. */
void pool_release(struct pool *pool);

#include "script/pool.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* A span lies at a multiple of its size, so that a block's address tells its page. */
enum { PAGE = 4096, SPAN = 64 * PAGE, PAGES = SPAN / PAGE - 1 };

struct pool_page {
    struct pool_page *next; /* of its size and with room, or empty and of its span */
    struct pool_page **link;
    char *start;
    void *back;     /* blocks that came back, each holding the next */
    uint16_t fresh; /* bytes from the start that were ever taken */
    uint16_t taken; /* blocks in use */
};

struct pool_span {
    struct pool_span *next;
    struct pool_span **link;
    struct pool_page *empty;
    size_t used; /* pages that are not empty */
    struct pool_page pages[PAGES];
};

_Static_assert(sizeof(struct pool_span) <= PAGE, "a span's first page describes the others");

static size_t class_of(size_t size)
{
    return (size - 1) / POOL_STEP;
}

/* --- lists of pages and of spans --- */

static void add_page(struct pool_page **list, struct pool_page *page)
{
    page->next = *list;
    page->link = list;
    if (page->next)
        page->next->link = &page->next;
    *list = page;
}

static void remove_page(struct pool_page *page)
{
    *page->link = page->next;
    if (page->next)
        page->next->link = page->link;
}

static void add_span(struct pool_span **list, struct pool_span *span)
{
    span->next = *list;
    span->link = list;
    if (span->next)
        span->next->link = &span->next;
    *list = span;
}

static void remove_span(struct pool_span *span)
{
    *span->link = span->next;
    if (span->next)
        span->next->link = span->link;
}

/* --- spans --- */

/* Twice as much as is needed holds an aligned part; the rest goes back. */
static char *map_aligned(void)
{
    char *start = mmap(NULL, 2 * SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        abort();
    size_t before = -(uintptr_t)start % SPAN;
    if (before)
        munmap(start, before);
    munmap(start + before + SPAN, SPAN - before);
    return start + before;
}

static struct pool_span *map_span(struct pool *pool)
{
    struct pool_span *span = (struct pool_span *)map_aligned();
    for (size_t i = PAGES; i-- > 0;) {
        span->pages[i].start = (char *)span + (i + 1) * PAGE;
        add_page(&span->empty, &span->pages[i]);
    }
    add_span(&pool->open, span);
    return span;
}

static void unmap_span(struct pool_span *span)
{
    remove_span(span);
    munmap(span, SPAN);
}

/* --- pages --- */

static struct pool_page *open_page(struct pool *pool, size_t class)
{
    struct pool_span *span = pool->open ? pool->open : map_span(pool);
    struct pool_page *page = span->empty;
    remove_page(page);
    if (pool->spare == span)
        pool->spare = NULL;
    span->used++;
    if (!span->empty) {
        remove_span(span);
        add_span(&pool->full, span);
    }
    page->back = NULL;
    page->fresh = 0;
    add_page(&pool->roomy[class], page);
    return page;
}

static void close_page(struct pool *pool, struct pool_span *span, struct pool_page *page)
{
    remove_page(page);
    if (!span->empty) {
        remove_span(span);
        add_span(&pool->open, span);
    }
    add_page(&span->empty, page);
    if (--span->used > 0)
        return;
    if (pool->spare)
        unmap_span(span);
    else
        pool->spare = span;
}

static bool has_room(const struct pool_page *page, size_t size)
{
    return page->back || page->fresh + size <= PAGE;
}

/* --- blocks --- */

void *pool_take(struct pool *pool, size_t size)
{
    size_t class = class_of(size);
    size_t rounded = (class + 1) * POOL_STEP;
    struct pool_page *page = pool->roomy[class];
    if (!page)
        page = open_page(pool, class);
    void **block = page->back;
    if (block) {
        page->back = *block;
    } else {
        block = (void **)(page->start + page->fresh);
        page->fresh = (uint16_t)(page->fresh + rounded);
    }
    page->taken++;
    if (!has_room(page, rounded))
        remove_page(page);
    return block;
}

void pool_give(struct pool *pool, void *block, size_t size)
{
    size_t class = class_of(size);
    struct pool_span *span = (struct pool_span *)((uintptr_t)block & ~(uintptr_t)(SPAN - 1));
    struct pool_page *page = &span->pages[((uintptr_t)block & (SPAN - 1)) / PAGE - 1];
    if (!has_room(page, (class + 1) * POOL_STEP))
        add_page(&pool->roomy[class], page);
    *(void **)block = page->back;
    page->back = block;
    if (--page->taken == 0)
        close_page(pool, span, page);
}

void pool_release(struct pool *pool)
{
    while (pool->open)
        unmap_span(pool->open);
    while (pool->full)
        unmap_span(pool->full);
    *pool = (struct pool){0};
}

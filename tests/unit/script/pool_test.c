/* The memory of a VM: small blocks from pages that serve any size. */
#include "story.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "script/pool.h"

enum { MANY = 20000, SPAN = 256 * 1024 };

struct taken {
    unsigned char *block;
    size_t size;
    unsigned char mark;
};

static size_t any_size(unsigned short dice[3])
{
    return 1 + (size_t)nrand48(dice) % POOL_LARGEST;
}

static struct taken take(struct pool *pool, size_t size, unsigned char mark)
{
    struct taken t = {pool_take(pool, size), size, mark};
    assert_int_equal((uintptr_t)t.block % POOL_STEP, 0);
    memset(t.block, mark, size);
    return t;
}

static void give(struct pool *pool, struct taken t)
{
    assert_int_equal(t.block[0], t.mark);
    assert_memory_equal(t.block, t.block + 1, t.size - 1);
    pool_give(pool, t.block, t.size);
}

static void blocks_of_all_sizes_keep_what_is_written_to_them(void **state)
{
    (void)state;
    struct pool pool = {0};
    struct taken *taken = calloc(MANY, sizeof *taken);
    unsigned short dice[3] = {1, 2, 3};
    for (size_t round = 0; round < 10 * MANY; round++) {
        size_t i = (size_t)nrand48(dice) % MANY;
        if (taken[i].block)
            give(&pool, taken[i]);
        taken[i] = take(&pool, any_size(dice), (unsigned char)round);
    }
    for (size_t i = 0; i < MANY; i++)
        if (taken[i].block)
            give(&pool, taken[i]);
    pool_release(&pool);
    free(taken);
}

static size_t spans_of(const struct taken *taken, size_t count)
{
    uintptr_t seen[MANY];
    size_t spans = 0;
    for (size_t i = 0; i < count; i++) {
        uintptr_t span = (uintptr_t)taken[i].block / SPAN;
        size_t at = 0;
        while (at < spans && seen[at] != span)
            at++;
        seen[at] = span;
        spans += at == spans;
    }
    return spans;
}

/* Fills the pool with blocks of one size, and empties it. */
static size_t fill_and_empty(struct pool *pool, struct taken *taken, size_t size)
{
    size_t count = 16 * SPAN / size < MANY ? 16 * SPAN / size : MANY;
    for (size_t i = 0; i < count; i++)
        taken[i] = take(pool, size, (unsigned char)i);
    size_t spans = spans_of(taken, count);
    for (size_t i = 0; i < count; i++)
        give(pool, taken[i]);
    return spans;
}

/* A span's first member is the next one. */
static size_t count_spans(const struct pool *pool)
{
    size_t count = 0;
    for (const void *const *span = (const void *)pool->open; span; span = *span)
        count++;
    return count;
}

static void an_empty_pool_keeps_one_span_for_any_size(void **state)
{
    (void)state;
    struct pool pool = {0};
    struct taken *taken = calloc(MANY, sizeof *taken);
    for (size_t size = 200; size <= POOL_LARGEST; size += 104) {
        assert_true(fill_and_empty(&pool, taken, size) >= 14);
        assert_int_equal(count_spans(&pool), 1);
        assert_null(pool.full);
        assert_ptr_equal(pool.spare, pool.open);
    }
    struct taken small = take(&pool, 1, 'x');
    assert_int_equal((uintptr_t)small.block / SPAN, (uintptr_t)pool.open / SPAN);
    assert_null(pool.spare);
    pool_release(&pool);
    free(taken);
}

static void a_block_that_came_back_is_taken_first(void **state)
{
    (void)state;
    struct pool pool = {0};
    void *first = pool_take(&pool, 40);
    void *second = pool_take(&pool, 40);
    assert_ptr_not_equal(first, second);
    pool_give(&pool, first, 40);
    assert_ptr_equal(pool_take(&pool, 33), first);
    assert_ptr_not_equal(pool_take(&pool, 32), first);
    pool_release(&pool);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(blocks_of_all_sizes_keep_what_is_written_to_them),
        cmocka_unit_test(an_empty_pool_keeps_one_span_for_any_size),
        cmocka_unit_test(a_block_that_came_back_is_taken_first),
    };
    return RUN_STORIES("pool", stories);
}

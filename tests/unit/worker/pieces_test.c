/* The pure pieces of the worker: slots, the balance of polls, the heartbeat throttle, alarms and
 * the cache of runs. No thread, no clock, no server. */
#include "story.h"

#include <pthread.h>
#include <stdlib.h>

#include "worker/alarm.h"
#include "worker/balance.h"
#include "worker/cache.h"
#include "worker/slots.h"
#include "worker/throttle.h"

static void a_poll_needs_a_slot_and_an_empty_one_keeps_it(void **state)
{
    (void)state;
    struct slots s = {.max = 2};
    assert_true(slots_reserve(&s));
    assert_true(slots_reserve(&s));
    assert_false(slots_reserve(&s));
    slots_use(&s);
    assert_false(slots_reserve(&s));
    slots_release(&s);
    assert_true(slots_reserve(&s));
    slots_give_back(&s);
    slots_give_back(&s);
    assert_int_equal(s.taken, 0);
    assert_int_equal(s.used, 0);
}

static struct slots shared = {.max = 100};

static void *reserve_all(void *won)
{
    while (slots_reserve(&shared))
        ++*(int *)won;
    return NULL;
}

static void threads_that_reserve_at_once_get_no_slot_twice(void **state)
{
    (void)state;
    pthread_t threads[4];
    int won[4] = {0};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reserve_all, &won[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(won[0] + won[1] + won[2] + won[3], shared.max);
    assert_int_equal(shared.taken, shared.max);
}

static void fill(struct balance *b, int polls)
{
    enum poll_queue queue;
    while (polls-- > 0 && balance_choose(b, &queue))
        balance_started(b, queue);
}

static void without_a_cache_every_poll_is_normal(void **state)
{
    (void)state;
    struct balance b = {.max = 5};
    fill(&b, 9);
    assert_int_equal(b.normal_polls, 5);
    assert_int_equal(b.sticky_polls, 0);
}

static void a_fifth_of_the_polls_is_normal_and_each_queue_has_one(void **state)
{
    (void)state;
    struct balance small = {.max = 2, .sticky = true};
    fill(&small, 2);
    assert_int_equal(small.normal_polls, 1);
    assert_int_equal(small.sticky_polls, 1);
    struct balance usual = {.max = 5, .sticky = true};
    fill(&usual, 5);
    assert_int_equal(usual.normal_polls, 1);
    assert_int_equal(usual.sticky_polls, 4);
    struct balance large = {.max = 20, .sticky = true};
    fill(&large, 20);
    assert_int_equal(large.normal_polls, 4);
    assert_int_equal(large.sticky_polls, 16);
}

static void a_sticky_backlog_draws_polls_but_leaves_one_normal(void **state)
{
    (void)state;
    struct balance b = {.max = 20, .sticky = true, .sticky_backlog = 30};
    fill(&b, 20);
    assert_int_equal(b.normal_polls, 1);
    assert_int_equal(b.sticky_polls, 19);
}

static void with_one_free_slot_the_queues_take_turns(void **state)
{
    (void)state;
    struct balance b = {.max = 5, .sticky = true, .sticky_backlog = 30};
    int polls[2] = {0};
    for (int i = 0; i < 10; i++) {
        enum poll_queue queue;
        assert_true(balance_choose(&b, &queue));
        balance_started(&b, queue);
        polls[queue]++;
        balance_ended(&b, queue);
    }
    assert_int_equal(polls[POLL_NORMAL], 5);
    assert_int_equal(polls[POLL_STICKY], 5);
}

static const struct throttle_limits limits = {.default_ms = 30000, .max_ms = 60000};

static void the_interval_is_four_fifths_of_the_timeout_within_limits(void **state)
{
    (void)state;
    struct throttle t;
    throttle_init(&t, 10000, &limits);
    assert_int_equal(t.interval_ms, 8000);
    throttle_init(&t, 0, &limits);
    assert_int_equal(t.interval_ms, 30000);
    throttle_init(&t, 3600000, &limits);
    assert_int_equal(t.interval_ms, 60000);
}

static void the_first_beat_goes_at_once_and_later_ones_wait_for_the_interval(void **state)
{
    (void)state;
    struct throttle t;
    throttle_init(&t, 10000, &limits);
    assert_int_equal(throttle_due(&t), -1);
    throttle_beat(&t);
    assert_int_equal(throttle_due(&t), 0);
    throttle_sent(&t, 1000);
    assert_int_equal(throttle_due(&t), -1);
    throttle_beat(&t);
    throttle_beat(&t);
    assert_int_equal(throttle_due(&t), -1); /* one is under way */
    throttle_delivered(&t);
    assert_int_equal(throttle_due(&t), 9000);
    throttle_sent(&t, 9000);
    throttle_delivered(&t);
    assert_int_equal(throttle_due(&t), -1); /* the two became one */
}

static void a_beat_that_failed_is_tried_again_soon(void **state)
{
    (void)state;
    struct throttle t;
    throttle_init(&t, 50000, &limits);
    throttle_beat(&t);
    throttle_sent(&t, 0);
    throttle_failed(&t, 10000, 1000);
    assert_int_equal(throttle_due(&t), 11000);
    throttle_sent(&t, 11000);
    throttle_failed(&t, 52000, 1000); /* the interval is over, still no busy loop */
    assert_int_equal(throttle_due(&t), 53000);
}

struct bell {
    struct alarm alarm;
    int number;
};

static int rung[8];
static int rings;

static void ring(struct alarm *alarm)
{
    rung[rings++] = ((struct bell *)alarm)->number;
}

static void alarms_ring_in_order_of_their_time(void **state)
{
    (void)state;
    struct alarms all = {0};
    struct bell bells[6];
    static const int due[6] = {50, 10, 40, 30, 20, 60};
    rings = 0;
    for (int i = 0; i < 6; i++) {
        bells[i] = (struct bell){.alarm.ring = ring, .number = i};
        alarm_set(&all, &bells[i].alarm, due[i]);
    }
    alarm_clear(&all, &bells[3].alarm);
    alarm_clear(&all, &bells[3].alarm);
    alarm_set(&all, &bells[0].alarm, 5);
    assert_int_equal(alarms_next(&all), 5);
    alarms_ring(&all, 40);
    assert_int_equal(rings, 4);
    assert_int_equal(rung[0], 0);
    assert_int_equal(rung[1], 1);
    assert_int_equal(rung[2], 4);
    assert_int_equal(rung[3], 2);
    assert_int_equal(alarms_next(&all), 60);
    alarms_release(&all);
}

static void alarms_keep_their_order_through_random_changes(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    struct alarms all = {0};
    struct bell *bells = calloc(COUNT, sizeof *bells);
    unsigned random = 1;
    for (int step = 0; step < 20000; step++) {
        random = random * 1103515245 + 12345;
        struct alarm *alarm = &bells[random / 65536 % COUNT].alarm;
        if (random & 0x100)
            alarm_clear(&all, alarm);
        else
            alarm_set(&all, alarm, (int64_t)(random >> 8));
    }
    for (int64_t last = 0; all.count; last = alarms_next(&all)) {
        assert_true(alarms_next(&all) >= last);
        alarm_clear(&all, all.heap[1]);
        if (!all.count)
            break;
    }
    free(bells);
    alarms_release(&all);
}

static struct cache_entry entry_of(const char *run_id)
{
    return (struct cache_entry){.run_id = span_of(run_id)};
}

static void the_run_that_rested_longest_leaves_first(void **state)
{
    (void)state;
    struct cache cache = {.capacity = 2};
    struct cache_entry a = entry_of("a"), b = entry_of("b"), c = entry_of("c");
    cache_add(&cache, &a);
    cache_add(&cache, &b);
    cache_add(&cache, &c);
    cache_rest(&cache, &a);
    cache_rest(&cache, &b);
    cache_claim(&cache, &a);
    cache_rest(&cache, &a);
    assert_null(cache_surplus(&cache));
    cache_rest(&cache, &c);
    assert_ptr_equal(cache_surplus(&cache), &b);
    cache_remove(&cache, &b);
    assert_null(cache_find(&cache, SPAN("b")));
    assert_null(cache_surplus(&cache));
    assert_ptr_equal(cache_find(&cache, SPAN("a")), &a);
    cache_release(&cache);
}

static void a_claimed_run_is_never_surplus(void **state)
{
    (void)state;
    struct cache cache = {.capacity = 0};
    struct cache_entry a = entry_of("a"), b = entry_of("b");
    cache_add(&cache, &a);
    cache_add(&cache, &b);
    assert_null(cache_surplus(&cache));
    cache_rest(&cache, &b);
    assert_ptr_equal(cache_surplus(&cache), &b);
    cache_claim(&cache, &b);
    cache_claim(&cache, &b);
    assert_null(cache_surplus(&cache));
    assert_int_equal(cache.resting, 0);
    cache_release(&cache);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_poll_needs_a_slot_and_an_empty_one_keeps_it),
        cmocka_unit_test(threads_that_reserve_at_once_get_no_slot_twice),
        cmocka_unit_test(without_a_cache_every_poll_is_normal),
        cmocka_unit_test(a_fifth_of_the_polls_is_normal_and_each_queue_has_one),
        cmocka_unit_test(a_sticky_backlog_draws_polls_but_leaves_one_normal),
        cmocka_unit_test(with_one_free_slot_the_queues_take_turns),
        cmocka_unit_test(the_interval_is_four_fifths_of_the_timeout_within_limits),
        cmocka_unit_test(the_first_beat_goes_at_once_and_later_ones_wait_for_the_interval),
        cmocka_unit_test(a_beat_that_failed_is_tried_again_soon),
        cmocka_unit_test(alarms_ring_in_order_of_their_time),
        cmocka_unit_test(alarms_keep_their_order_through_random_changes),
        cmocka_unit_test(the_run_that_rested_longest_leaves_first),
        cmocka_unit_test(a_claimed_run_is_never_surplus),
    };
    return RUN_STORIES("worker pieces", stories);
}

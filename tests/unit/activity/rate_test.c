/* How often a vendor is asked: turns, holds, and that they are one for all threads. */
#include "worker_side.h"

#include <pthread.h>
#include <stdlib.h>

#include "activity/rate.h"

static const struct rate twice = {2, 100};
static const struct rate any = {0, 0};

static int64_t take(const char *key, struct rate rate, int64_t now_ms)
{
    return rate_take(span_of(key), rate, now_ms).begins_ms;
}

static void a_burst_waits_for_nothing_and_the_rest_stand_in_line(void **state)
{
    static const int64_t begins[] = {1000, 1010, 1100, 1110, 1200, 1210};

    (void)state;
    for (int i = 0; i < 6; i++)
        assert_int_equal(take("burst", twice, 1000 + 10 * i), begins[i]);
    assert_int_equal(take("burst", twice, 2000), 2000);
}

static void each_key_has_a_limit_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(take("one", twice, 1000), 1000);
    assert_int_equal(take("one", twice, 1000), 1100);
    assert_int_equal(take("other", twice, 1000), 1000);
}

/* No period sees more than its count, however long it goes on. */
static void the_rate_is_kept_over_many_turns(void **state)
{
    enum { TURNS = 5000, COUNT = 7, PERIOD_MS = 100 };
    const struct rate rate = {COUNT, PERIOD_MS};
    int64_t begins[TURNS];
    int64_t now = 1000;

    (void)state;
    for (size_t i = 0; i < TURNS; i++) {
        begins[i] = take("many", rate, now);
        assert_true(begins[i] >= now);
        if (i >= COUNT)
            assert_true(begins[i] >= begins[i - COUNT] + PERIOD_MS);
        now += (int64_t)(i * 7919 % 31);
    }
}

static void an_edited_rate_counts_what_has_been_asked_already(void **state)
{
    const struct rate four = {4, 100}, once = {1, 100};

    (void)state;
    assert_int_equal(take("edited", twice, 1000), 1000);
    assert_int_equal(take("edited", twice, 1010), 1010);
    assert_int_equal(take("edited", four, 1020), 1020);
    assert_int_equal(take("edited", four, 1030), 1030);
    assert_int_equal(take("edited", four, 1040), 1100);
    assert_int_equal(take("edited", once, 1050), 1200);
}

static void a_hold_moves_all_turns_that_have_not_begun(void **state)
{
    struct rate_turn turns[6];

    (void)state;
    for (size_t i = 0; i < 6; i++)
        turns[i] = rate_take(SPAN("held"), twice, 1000); /* 1000 1000 1100 1100 1200 1200 */
    assert_int_equal(rate_begins(SPAN("held"), turns[5]), 1200);
    rate_hold(SPAN("held"), 5000, 1050);
    assert_int_equal(rate_held(SPAN("held")), 5000);
    assert_int_equal(rate_begins(SPAN("held"), turns[2]), 5000);
    assert_int_equal(rate_begins(SPAN("held"), turns[3]), 5000);
    assert_int_equal(rate_begins(SPAN("held"), turns[5]), 5100);
    assert_int_equal(take("held", twice, 1060), 5200);
    rate_hold(SPAN("held"), 3000, 1070); /* a shorter one takes nothing back */
    assert_int_equal(rate_begins(SPAN("held"), turns[2]), 5000);
    rate_hold(SPAN("held"), 6000, 5050);
    assert_int_equal(rate_begins(SPAN("held"), turns[5]), 6000);
}

static void a_hold_counts_for_those_without_a_rate(void **state)
{
    (void)state;
    struct rate_turn before = rate_take(SPAN("free"), any, 1000);
    assert_int_equal(before.begins_ms, 1000);
    rate_hold(SPAN("free"), 1500, 1000);
    assert_int_equal(rate_begins(SPAN("free"), before), 1500);
    assert_int_equal(take("free", any, 1200), 1500);
    assert_int_equal(take("free", any, 1600), 1600);
}

/* --- threads --- */

enum { THREADS = 4, EACH = 500 };

static void *take_many(void *user)
{
    int64_t *begins = user;

    for (size_t i = 0; i < EACH; i++)
        begins[i] = take("threads", (struct rate){10, 1000}, 0);
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void no_two_threads_get_the_same_turn(void **state)
{
    static int64_t begins[THREADS * EACH];
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, begins + i * EACH), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    qsort(begins, THREADS * EACH, sizeof *begins, ascending);
    for (size_t i = 0; i < THREADS * EACH; i++)
        assert_int_equal(begins[i], (int64_t)(i / 10) * 1000);
}

/* --- loops, as a reload makes one after the other --- */

#define ASKING                                                                                     \
    "local rate = require 'sync.rate'\n"                                                           \
    "activity 'ask' { run = function()\n"                                                          \
    "  activity.heartbeat()\n"                                                                     \
    "  rate.take('loops', rate.new '2/h')\n"                                                       \
    "  return 'asked' end }\n"                                                                     \
    "activity 'hold' { run = function(ms) rate.hold('patient', ms) end }\n"                        \
    "activity 'wait' { run = function() rate.take('patient') return 'asked' end }\n"

static void a_limit_outlives_the_loop_that_used_it_up(void **state)
{
    struct slot slot = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct activity_loop *loop = start(ASKING);
        run(loop, &slot, "ask", NULL);
        check_result(&slot, "\"asked\"");
        clear(&slot);
        activity_loop_stop(loop);
    }
    struct activity_loop *loop = start(ASKING);
    submit(loop, &slot, (struct order){.type = "ask", .heartbeat_ms = 1000});
    await(&slot, has_beaten);
    activity_cancel(loop, &slot, ACTIVITY_CANCEL_REQUESTED);
    await(&slot, has_finished);
    assert_int_equal(slot.kind, ACTIVITY_CANCELED); /* it was waiting */
    clear(&slot);
    activity_loop_stop(loop);
}

static void a_long_hold_of_one_loop_refuses_on_another_for_as_long(void **state)
{
    struct activity_loop *one = start(ASKING), *other = start(ASKING);
    struct slot slot = {0};
    struct arena arena = {0};

    (void)state;
    run(one, &slot, "hold", "20");
    clear(&slot);
    run(other, &slot, "wait", NULL); /* a short one is slept */
    check_result(&slot, "\"asked\"");
    clear(&slot);
    run(one, &slot, "hold", "900000");
    clear(&slot);
    run(other, &slot, "wait", NULL);
    check_failure(&slot, "RateLimited", "patient has asked for patience: not asked for ");
    int64_t seconds =
        failure_of(&slot, &arena)->application_failure_info->next_retry_delay->seconds;
    assert_true(seconds > 300 && seconds <= 900);
    clear(&slot);
    arena_release(&arena);
    activity_loop_stop(one);
    activity_loop_stop(other);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_burst_waits_for_nothing_and_the_rest_stand_in_line),
        cmocka_unit_test(each_key_has_a_limit_of_its_own),
        cmocka_unit_test(the_rate_is_kept_over_many_turns),
        cmocka_unit_test(an_edited_rate_counts_what_has_been_asked_already),
        cmocka_unit_test(a_hold_moves_all_turns_that_have_not_begun),
        cmocka_unit_test(a_hold_counts_for_those_without_a_rate),
        cmocka_unit_test(no_two_threads_get_the_same_turn),
        cmocka_unit_test(a_limit_outlives_the_loop_that_used_it_up),
        cmocka_unit_test(a_long_hold_of_one_loop_refuses_on_another_for_as_long),
    };

    return RUN_STORIES("rate", stories);
}

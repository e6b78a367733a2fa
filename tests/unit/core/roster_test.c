/* The open machines: found by seq and by event in any state of things, and small. */
#include "story.h"

#include "core/roster.h"

static void machines_are_found_while_others_open_and_close(void **state)
{
    (void)state;
    struct roster roster = {0};
    for (uint32_t seq = 1; seq <= 300; seq++) {
        assert_non_null(roster_add(&roster, 2 * seq, 1));
        roster_by_seq(&roster, 2 * seq)->event_id = 10 * (int64_t)seq;
    }
    for (uint32_t seq = 1; seq <= 300; seq += 2)
        roster_close(&roster, roster_by_event(&roster, 10 * (int64_t)seq));
    assert_int_equal(roster.open, 150);
    for (uint32_t seq = 1; seq <= 300; seq++) {
        struct machine *found = roster_by_seq(&roster, 2 * seq);
        assert_ptr_equal(roster_by_event(&roster, 10 * (int64_t)seq), found);
        assert_int_equal(found != NULL, seq % 2 == 0);
        assert_null(roster_by_seq(&roster, 2 * seq + 1));
        assert_null(roster_by_event(&roster, 10 * (int64_t)seq + 1));
    }
    assert_null(roster_by_seq(&roster, 0));
    assert_null(roster_by_event(&roster, 0));
    assert_null(roster_by_event(&roster, -1));
    roster_release(&roster);
}

static void a_seq_is_never_used_twice(void **state)
{
    (void)state;
    struct roster roster = {0};
    roster_strike(&roster, roster_add(&roster, 5, 1));
    assert_null(roster_add(&roster, 5, 1));
    assert_null(roster_add(&roster, 4, 1));
    assert_non_null(roster_add(&roster, 6, 1));
    roster_release(&roster);
    assert_null(roster_add(&roster, 6, 1));
}

static void a_machine_that_was_never_confirmed_is_struck_from_the_middle(void **state)
{
    (void)state;
    struct roster roster = {0};
    for (uint32_t seq = 1; seq <= 5; seq++)
        roster_add(&roster, seq, 1);
    roster_strike(&roster, roster_by_seq(&roster, 3));
    assert_int_equal(roster.count, 4);
    for (uint32_t seq = 1; seq <= 5; seq++)
        assert_int_equal(roster_by_seq(&roster, seq) != NULL, seq != 3);
    roster_release(&roster);
}

static void one_long_timer_does_not_keep_the_places_of_thousands_of_short_ones(void **state)
{
    (void)state;
    struct roster roster = {0};
    roster_add(&roster, 1, 1)->event_id = 1;
    for (uint32_t seq = 2; seq < 10000; seq++) {
        struct machine *machine = roster_add(&roster, seq, 1);
        machine->event_id = seq;
        roster_close(&roster, machine);
    }
    assert_true(roster.room <= 8);
    assert_int_equal(roster.open, 1);
    assert_non_null(roster_by_event(&roster, 1));
    roster_release(&roster);
}

static void between_tasks_it_keeps_what_is_open_and_no_more(void **state)
{
    (void)state;
    struct roster roster = {0};
    for (uint32_t seq = 1; seq <= 1000; seq++)
        roster_add(&roster, seq, 1)->event_id = seq;
    for (uint32_t seq = 1; seq < 1000; seq++)
        roster_close(&roster, roster_by_seq(&roster, seq));
    roster_shrink(&roster);
    assert_int_equal(roster.room, 1);
    assert_int_equal(roster.count, 1);
    assert_non_null(roster_by_event(&roster, 1000));
    roster_close(&roster, roster_by_seq(&roster, 1000));
    roster_shrink(&roster);
    assert_null(roster.machines);
    assert_int_equal(roster.room, 0);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(machines_are_found_while_others_open_and_close),
        cmocka_unit_test(a_seq_is_never_used_twice),
        cmocka_unit_test(a_machine_that_was_never_confirmed_is_struck_from_the_middle),
        cmocka_unit_test(one_long_timer_does_not_keep_the_places_of_thousands_of_short_ones),
        cmocka_unit_test(between_tasks_it_keeps_what_is_open_and_no_more),
    };
    return RUN_STORIES("core/roster", stories);
}

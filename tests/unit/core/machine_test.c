/*
 * Every row of every machine, told as tasks of a run. The last story holds the others to that: it
 * fails when a row of any table was never taken.
 */
#include "story.h"

#include <stdio.h>

#include "core/machine.h"
#include "player.h"

#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, NULL, NULL                                                                     \
    }
#define TELL(...) player_tell((const struct turn[]){__VA_ARGS__, END})

/* --- timer --- */

static void a_timer_fires(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "timer:1", "timer:1"},
         {"completed timer:1 fired@5 open", "8: fire(1)", "complete", "complete"},
         {"completed complete", "", "", "-"});
}

static void a_timer_cancelled_before_it_was_sent_leaves_no_trace(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "timer:1 marker:a untimer:1 timer:2 untimer:1",
          "marker:a timer:2"},
         {"completed marker:a timer:2 fired@6 open", "9: fire(2)", "complete", "complete"});
}

static void a_running_timer_is_cancelled_and_never_fires(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "timer:1", "timer:1"},
         {"completed timer:1 signal:s open", "8: signal(s)", "untimer:1 untimer:1", "untimer:1@5"},
         {"completed untimer:1@5 signal:t open", "13: signal(t)", "complete", "complete"});
}

static void a_timer_that_fired_in_the_same_batch_is_not_cancelled(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "timer:1", "timer:1"},
         {"completed timer:1 signal:s fired@5 open", "9: signal(s) fire(1)", "untimer:1", ""},
         {"completed signal:t open", "13: signal(t)", "complete", "complete"});
}

/* --- activity --- */

static void an_activity_is_resolved_by_each_of_its_outcomes(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "activity:1/a activity:2/b activity:3/c activity:4/d",
          "activity:1 activity:2 activity:3 activity:4"},
         {"completed activity:1/a activity:2/b activity:3/c activity:4/d begun@6 broke@6 begun@5 "
          "done@5 begun@7 lapsed@7 lapsed@8 open",
          "17: activity(2 broke) activity(1 done) activity(3 lapsed) activity(4 lapsed)",
          "complete", "complete"});
}

static void an_activity_cancelled_before_it_was_sent_is_released_and_leaves_no_trace(void **state)
{
    (void)state;
    TELL({"start open",
          "3: initialize | 3: activity(1 released) activity(2 released) activity(3 released)",
          "activity:1/a activity:2/b activity:3/c revoke:1 wait:2 abandon:3 revoke:1 | timer:1",
          "timer:1"},
         {"completed timer:1 fired@5 open", "8: fire(1)", "complete", "complete"});
}

static void a_tried_cancel_releases_at_once_and_hears_no_outcome(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "activity:1/a activity:2/b activity:3/c activity:4/d",
          "activity:1 activity:2 activity:3 activity:4"},
         {"completed activity:1/a activity:2/b activity:3/c activity:4/d begun@5 signal:s open",
          "12: signal(s) | 12: activity(1 released) activity(2 released) activity(3 released) "
          "activity(4 released)",
          "revoke:1 revoke:2 revoke:3 revoke:4 | revoke:2 wait:3 abandon:4",
          "revoke:1@5 revoke:2@6 revoke:3@7 revoke:4@8"},
         {"completed revoke@5 revoke@6 revoke@7 revoke@8 done@5 begun@6 broke@6 lapsed@7 "
          "revoked@8 signal:t open",
          "25: signal(t)", "complete", "complete"});
}

static void a_waiting_cancel_is_resolved_by_the_outcome(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "activity:1/a activity:2/b activity:3/c activity:4/d",
          "activity:1 activity:2 activity:3 activity:4"},
         {"completed activity:1/a activity:2/b activity:3/c activity:4/d begun@5 signal:s open",
          "12: signal(s)", "wait:1 wait:2 wait:3 wait:4", "wait:1@5 wait:2@6 wait:3@7 wait:4@8"},
         {"completed revoke@5 revoke@6 revoke@7 revoke@8 done@5 begun@6 broke@6 lapsed@7 "
          "revoked@8 open",
          "24: activity(1 done) activity(2 broke) activity(3 lapsed) activity(4 revoked)",
          "complete", "complete"});
}

static void an_abandoned_activity_is_released_without_a_command(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "activity:1/a activity:2/b activity:3/c activity:4/d",
          "activity:1 activity:2 activity:3 activity:4"},
         {"completed activity:1/a activity:2/b activity:3/c activity:4/d begun@5 signal:s open",
          "12: signal(s) | 12: activity(1 released) activity(2 released) activity(3 released) "
          "activity(4 released)",
          "abandon:1 abandon:2 abandon:3 abandon:4 | timer:1", "timer:1"},
         {"completed timer:1 done@5 begun@6 broke@6 lapsed@7 revoked@8 signal:t open",
          "22: signal(t)", "complete", "complete"});
}

static void a_resolve_knows_the_events_of_its_activity(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start task activity:1/a begun@5 done@5 open");
    player_begin(&p, &b);
    player_next(&p);
    assert_true(player_act(&p, "activity:1/a"));
    player_next(&p);
    assert_int_equal(p.jobs.jobs[0].scheduled_id, 5);
    assert_int_equal(p.jobs.jobs[0].started_id, 6);
    assert_int_equal(p.jobs.jobs[0].event->id, 7);
    player_evict(&p);
}

/* --- marker --- */

static void markers_are_matched_by_name_in_order(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "marker:a marker:b timer:1", "marker:a marker:b timer:1"},
         {"completed marker:a marker:b timer:1 fired@7 open", "10: fire(1)", "complete",
          "complete"});
}

/* --- ending --- */

static void the_first_closing_command_goes_behind_all_others(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "marker:a complete marker:b fail timer:1",
          "marker:a marker:b timer:1 complete"},
         {"completed marker:a marker:b timer:1 complete", "", "", "-"});
}

static void each_way_to_end_is_confirmed_by_its_event(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "fail", "fail"}, {"completed fail", "", "", "-"});
    TELL({"start open", "3: initialize", "renew", "renew"}, {"completed renew", "", "", "-"});
    TELL({"start cancel open", "4: initialize cancel", "cancelled", "cancelled"},
         {"completed cancelled", "", "", "-"});
}

static void nothing_is_asked_of_a_script_that_has_ended(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "activity:1/a", "activity:1"},
         {"completed activity:1/a signal:s open", "8: signal(s)", "revoke:1 complete",
          "revoke:1@5 complete"},
         {"completed revoke@5 complete", "", "", "-"});
}

static void the_server_stops_an_open_run(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "timer:1", "timer:1"},
         {"completed timer:1 stop", "", "", "-"});
    TELL({"start open", "3: initialize", "timer:1", "timer:1"},
         {"completed timer:1 expire", "", "", "-"});
}

static void the_server_stops_a_run_whose_end_was_on_its_way(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "3: initialize");
    assert_true(player_act(&p, "complete"));
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "complete");
    builder_write(&b, "stop");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "-");
    assert_true(run_closed(p.run));
    player_evict(&p);

    player_begin(&p, &b);
    player_next(&p);
    assert_int_equal(p.jobs.jobs[0].kind, JOB_INITIALIZE);
    assert_true(player_act(&p, "complete"));
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "-");
    player_evict(&p);
}

/* --- workflow task --- */

static void failed_and_late_attempts_are_as_if_they_had_not_been(void **state)
{
    (void)state;
    TELL({"start open failed scheduled late open", "8: initialize", "timer:1", "timer:1"},
         {"completed timer:1 fired@10 open late open failed open", "19: fire(1)", "complete",
          "complete"});
}

static void a_reset_brings_a_new_seed_before_the_signals(void **state)
{
    (void)state;
    TELL(
        {"start signal:s open reset open", "7: initialize seed signal(s)", "complete", "complete"});
}

static void a_task_that_brings_nothing_wakes_no_script_and_is_answered(void **state)
{
    (void)state;
    TELL({"start open", "3: initialize", "", ""}, {"completed open", "", "", ""},
         {"completed signal:s open", "10: signal(s)", "complete", "complete"});
}

static void a_heartbeat_of_another_sdk_moves_the_moment_within_a_sequence(void **state)
{
    (void)state;
    struct builder b = {0};
    struct player p = {0};
    builder_write(&b, "start task task timer:1 fired@8 open");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "6*: initialize");
    assert_int_equal(p.jobs.moment.now_ms, 6000);
    assert_true(player_act(&p, "timer:1"));
    assert_string_equal(player_next(&p), "11: fire(1)");
    player_evict(&p);
}

static void every_row_of_every_table_was_taken(void **state)
{
    (void)state;
    int missing = 0;
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        const struct machine_table *table = machine_tables[i];
        assert_int_equal(table->slot, i);
        assert_true(table->count <= MACHINE_ROWS);
        for (size_t row = 0; row < table->count; row++) {
            const struct machine_row *r = &table->rows[row];
            uint64_t taken = machine_taken(table, row);
            printf("%8llu  %-17s %-9s %s\n", (unsigned long long)taken, table->name,
                   table->states[r->from], table->inputs[r->input]);
            missing += !taken;
        }
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_timer_fires),
        cmocka_unit_test(a_timer_cancelled_before_it_was_sent_leaves_no_trace),
        cmocka_unit_test(a_running_timer_is_cancelled_and_never_fires),
        cmocka_unit_test(a_timer_that_fired_in_the_same_batch_is_not_cancelled),
        cmocka_unit_test(an_activity_is_resolved_by_each_of_its_outcomes),
        cmocka_unit_test(an_activity_cancelled_before_it_was_sent_is_released_and_leaves_no_trace),
        cmocka_unit_test(a_tried_cancel_releases_at_once_and_hears_no_outcome),
        cmocka_unit_test(a_waiting_cancel_is_resolved_by_the_outcome),
        cmocka_unit_test(an_abandoned_activity_is_released_without_a_command),
        cmocka_unit_test(a_resolve_knows_the_events_of_its_activity),
        cmocka_unit_test(markers_are_matched_by_name_in_order),
        cmocka_unit_test(the_first_closing_command_goes_behind_all_others),
        cmocka_unit_test(each_way_to_end_is_confirmed_by_its_event),
        cmocka_unit_test(nothing_is_asked_of_a_script_that_has_ended),
        cmocka_unit_test(the_server_stops_an_open_run),
        cmocka_unit_test(the_server_stops_a_run_whose_end_was_on_its_way),
        cmocka_unit_test(failed_and_late_attempts_are_as_if_they_had_not_been),
        cmocka_unit_test(a_reset_brings_a_new_seed_before_the_signals),
        cmocka_unit_test(a_task_that_brings_nothing_wakes_no_script_and_is_answered),
        cmocka_unit_test(a_heartbeat_of_another_sdk_moves_the_moment_within_a_sequence),
        cmocka_unit_test(every_row_of_every_table_was_taken),
    };
    return RUN_STORIES("core/machine", stories);
}

/* A run from its start to its end: what the script may know, when the server hears, what is kept.
 */
#include "story.h"

#include "core/inside.h"
#include "player.h"

static void apply(struct player *p, const char *jobs, const char *act)
{
    assert_string_equal(player_next(p), jobs);
    assert_true(player_act(p, act));
}

static void an_activity_is_scheduled_resolved_and_the_run_completes(void **state)
{
    (void)state;
    player_tell((const struct turn[]){
        {"start open",                                      "3: initialize",       "activity:1/charge", "activity:1"},
        {"completed activity:1/charge begun@5 done@5 open", "9: activity(1 done)", "complete",
         "complete"                                                                                                 },
        {"completed complete",                              "",                    "",                  "-"         },
        {NULL,                                              NULL,                  NULL,                NULL        },
    });
}

static void jobs_come_in_classes_and_within_them_in_historys_order(void **state)
{
    (void)state;
    player_tell((const struct turn[]){
        {"start open",          "3: initialize",                                                "timer:1 activity:1/a", "timer:1 activity:1"},
        {"completed timer:1 activity:1/a fired@5 cancel signal:a begun@6 done@6 signal:b open "
         "reset open", "17: seed signal(a) signal(b) fire(1) cancel activity(1 done)", "complete",             "complete"          },
        {NULL,                  NULL,                                                           NULL,                   NULL                },
    });
}

static void a_signal_before_the_first_task_comes_behind_the_start(void **state)
{
    (void)state;
    player_tell((const struct turn[]){
        {"start signal:a scheduled signal:b begin", "5: initialize signal(a) signal(b)", "complete",
         "complete"                                                                                      },
        {NULL,                                      NULL,                                NULL,       NULL},
    });
}

static void the_moment_is_that_of_the_task_and_never_goes_back(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b,
                  "start open late open completed timer:1 fired@8 open completed signal:s open");
    b.events[5].started.suggest_continue_as_new = true;
    b.events[10].time_ms = 5500;
    player_begin(&p, &b);
    player_next(&p);
    assert_int_equal(p.jobs.moment.now_ms, 6000);
    assert_int_equal(p.jobs.moment.history_length, 6);
    assert_int_equal(p.jobs.moment.history_bytes, 600);
    assert_true(p.jobs.moment.suggest_continue_as_new);
    assert_true(player_act(&p, "timer:1"));
    player_next(&p);
    assert_int_equal(p.jobs.moment.now_ms, 6000);
    assert_int_equal(p.jobs.moment.history_length, 11);
    assert_false(p.jobs.moment.suggest_continue_as_new);
    assert_true(player_act(&p, ""));
    player_next(&p);
    assert_int_equal(p.jobs.moment.now_ms, 15000);
    assert_int_equal(run_moment(p.run).history_bytes, 1500);
    player_evict(&p);
}

static void before_its_first_task_a_run_has_the_time_of_its_start(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start scheduled");
    player_begin(&p, &b);
    apply(&p, "0: initialize", "");
    assert_int_equal(run_moment(p.run).now_ms, 1000);
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "-");
    player_evict(&p);
}

/* Trap 4: neither the completion nor the commands of the past end the replay, the news does. */
static void a_run_is_live_from_the_first_news_on(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start task timer:1");
    player_begin(&p, &b);
    apply(&p, "3*: initialize", "timer:1");
    assert_string_equal(player_next(&p), "nothing");
    assert_true(run_moment(p.run).replaying);
    assert_string_equal(player_answer(&p), "-");
    builder_write(&b, "fired@5 open");
    player_begin(&p, &b);
    apply(&p, "8: fire(1)", "complete");
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "complete");
    player_evict(&p);
}

static void a_query_is_never_answered_by_a_completion(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start task activity:1/a");
    player_begin(&p, &b); /* on a run that was not in the cache */
    apply(&p, "3*: initialize", "activity:1/a");
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "-");
    player_begin(&p, &b); /* again, on the idle run, with no events */
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "-");
    builder_write(&b, "begun@5 done@5 open");
    player_begin(&p, &b);
    apply(&p, "9: activity(1 done)", "complete");
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "complete");
    player_evict(&p);
}

static void a_query_between_answer_and_confirmation_sees_the_commands_waiting(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    apply(&p, "3: initialize", "timer:1");
    player_next(&p);
    assert_string_equal(player_answer(&p), "timer:1");
    struct run_task query = {.previous_started_id = 3};
    struct run_jobs jobs;
    struct error err = {0};
    run_begin(p.run, query);
    assert_true(run_feed(p.run, NULL, 0, false, &err));
    assert_int_equal(run_next(p.run, &jobs, &err), RUN_NEED_NOTHING);
    assert_string_equal(player_answer(&p), "-timer:1");
    builder_write(&b, "completed timer:1 fired@5 open");
    player_begin(&p, &b);
    apply(&p, "8: fire(1)", "complete");
    player_evict(&p);
}

static void a_query_ahead_of_its_task_makes_the_run_stale(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start task timer:1 fired@5 signal:s scheduled");
    player_begin(&p, &b);
    apply(&p, "3*: initialize", "timer:1");
    apply(&p, "3: signal(s) fire(1)", "");
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "-");
    assert_true(p.answer.stale);
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "-");
    builder_write(&b, "begin");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "fail");
    assert_string_equal(p.err.text, "a query has shown this run events up to 8 before their task");
    player_evict(&p);
    player_begin(&p, &b);
    apply(&p, "3*: initialize", "timer:1");
    apply(&p, "9: signal(s) fire(1)", "");
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "");
    assert_false(p.answer.stale);
    player_evict(&p);
}

static void a_closed_run_is_replayed_for_a_query_and_stays_closed(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start task complete");
    player_begin(&p, &b);
    apply(&p, "3*: initialize", "complete");
    for (int i = 0; i < 2; i++) {
        assert_string_equal(player_next(&p), "nothing");
        assert_true(run_closed(p.run));
        assert_string_equal(player_answer(&p), "-");
        player_begin(&p, &b);
    }
    player_evict(&p);
}

static void events_seen_before_are_skipped_when_the_whole_history_comes_again(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {.page = 2};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    apply(&p, "3: initialize", "timer:1");
    player_next(&p);
    player_answer(&p);
    builder_write(&b, "completed timer:1 fired@5 open");
    player_begin(&p, &b);
    p.fed = 0;
    apply(&p, "8: fire(1)", "complete");
    player_evict(&p);
}

static void a_task_completed_with_a_closing_command_the_server_did_not_take(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    apply(&p, "3: initialize", "complete");
    player_next(&p);
    assert_string_equal(player_answer(&p), "complete");

    builder_write(&b, "failed signal:s open"); /* UnhandledCommand */
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "fail");
    assert_int_equal(p.err.kind, ERROR_MALFORMED);
    assert_string_equal(p.err.text, "the task of event 3 was answered, but history goes on with "
                                    "WorkflowTaskFailed (event 4), not with its completion");
    player_evict(&p);

    player_begin(&p, &b);
    apply(&p, "7: initialize signal(s)", "complete");
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "complete");
    player_evict(&p);
}

static void a_cancel_from_outside_ends_an_activity_and_the_run_in_one_task(void **state)
{
    (void)state;
    player_tell((const struct turn[]){
        {"start open",                                         "3: initialize",                       "activity:1/a", "activity:1"        },
        {"completed activity:1/a begun@5 cancel open",         "9: cancel | 9: activity(1 released)",
         "revoke:1 | timer:1",                                                                                        "revoke:1@5 timer:1"},
        {"completed revoke@5 timer:1 revoked@5 fired@12 open", "16: fire(1)",                         "cancelled",
         "cancelled"                                                                                                                      },
        {"completed cancelled",                                "",                                    "",             "-"                 },
        {NULL,                                                 NULL,                                  NULL,           NULL                },
    });
}

/* --- what the server records of us --- */

static void the_first_answer_records_our_flag_and_name(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    apply(&p, "3: initialize", "timer:1");
    player_next(&p);
    run_reply(p.run, &p.answer);
    assert_int_equal(p.answer.new_flag_count, 1);
    assert_int_equal(p.answer.new_flags[0], 1);
    assert_true(p.answer.name_sdk);
    run_end(p.run);

    builder_write(&b, "completed timer:1 fired@5 open");
    b.events[3].completed.sdk_name = SPAN("signalroom");
    b.events[3].completed.sdk_version = SPAN("1");
    player_begin(&p, &b);
    apply(&p, "8: fire(1)", "timer:2");
    player_next(&p);
    run_reply(p.run, &p.answer);
    assert_int_equal(p.answer.new_flag_count, 0);
    assert_false(p.answer.name_sdk);
    run_end(p.run);

    builder_write(&b, "completed timer:2 fired@10 open");
    b.events[8].completed.sdk_version = SPAN("2");
    b.events[8].completed.sdk_name = SPAN("signalroom");
    player_begin(&p, &b);
    apply(&p, "13: fire(2)", "complete");
    player_next(&p);
    run_reply(p.run, &p.answer);
    assert_true(p.answer.name_sdk);
    player_evict(&p);
}

static void a_run_of_another_sdk_is_cut_by_its_rule_and_takes_up_ours(void **state)
{
    (void)state;
    struct builder b = {0};
    struct player p = {0};
    builder_write(&b, "start task task timer:1 fired@8 open");
    player_begin(&p, &b);
    apply(&p, "6*: initialize", "timer:1");
    apply(&p, "11: fire(1)", "");
    player_next(&p);
    run_reply(p.run, &p.answer);
    assert_true(p.answer.respond);
    assert_int_equal(p.answer.new_flag_count, 1);
    run_end(p.run);
    b.stepwise = true;
    builder_write(&b, "completed open");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "");
    player_evict(&p);
}

static void a_query_of_another_sdks_run_that_rests_behind_a_task_without_commands(void **state)
{
    (void)state;
    struct builder b = {0};
    struct player p = {0};
    builder_write(&b, "start task signal:s task");
    player_begin(&p, &b);
    apply(&p, "3*: initialize", "");
    apply(&p, "7*: signal(s)", "");
    assert_string_equal(player_next(&p), "nothing");
    assert_string_equal(player_answer(&p), "-");
    assert_false(p.answer.stale);
    player_evict(&p);
}

/* --- what the first completion recorded --- */

static struct run_jobs first_jobs(struct player *p, struct builder *b, const char *history,
                                  size_t page)
{
    *p = (struct player){.page = page};
    *b = (struct builder){.stepwise = true};
    builder_write(b, history);
    player_begin(p, b);
    assert_non_null(strstr(player_next(p), "initialize"));
    return p->jobs;
}

static void the_first_marker_is_known_before_the_script_begins(void **state)
{
    struct builder b;
    struct player p;

    (void)state;
    for (size_t page = 0; page < 6; page++) {
        struct run_jobs jobs = first_jobs(&p, &b, "start task marker:m timer:1 task", page);
        assert_true(jobs.committed);
        assert_non_null(jobs.marker);
        assert_true(span_equal(jobs.marker->key, SPAN("m")));
        player_evict(&p);
        jobs = first_jobs(&p, &b, "start open failed task marker:m marker:n timer:1 open", page);
        assert_true(jobs.committed && span_equal(jobs.marker->key, SPAN("m")));
        player_evict(&p);
    }
}

static void only_what_stands_first_behind_the_first_completion_counts(void **state)
{
    struct builder b;
    struct player p;

    (void)state;
    for (size_t page = 0; page < 6; page++) {
        struct run_jobs jobs = first_jobs(&p, &b, "start open", page);
        assert_false(jobs.committed);
        assert_null(jobs.marker);
        player_evict(&p);
        jobs = first_jobs(&p, &b, "start task timer:1 marker:m open", page);
        assert_true(jobs.committed);
        assert_null(jobs.marker);
        player_evict(&p);
        jobs = first_jobs(&p, &b, "start task", page);
        assert_true(jobs.committed);
        assert_null(jobs.marker);
        player_evict(&p);
    }
}

/* --- memory --- */

static void between_tasks_a_run_keeps_what_is_open_and_no_more(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    assert_true(sizeof *p.run <= 448);
    builder_write(&b, "start open");
    player_begin(&p, &b);
    apply(&p, "3: initialize",
          "timer:1 timer:2 timer:3 activity:1/a activity:2/b marker:a marker:b");
    player_next(&p);
    player_answer(&p);
    assert_null(p.run->history.events);
    assert_null(p.run->jobs.jobs);
    assert_null(p.run->match.list);
    assert_int_equal(p.run->match.room, 7);
    builder_write(&b, "completed timer:1 timer:2 timer:3 activity:1/a activity:2/b marker:a "
                      "marker:b fired@5 fired@6 begun@8 done@8 open");
    player_begin(&p, &b);
    apply(&p, "17: fire(1) fire(2) activity(1 done)", "");
    player_next(&p);
    player_answer(&p);
    assert_null(p.run->match.asked);
    assert_null(p.run->match.kept);
    assert_int_equal(p.run->timers.room, 1);
    assert_int_equal(p.run->activities.room, 1);
    player_evict(&p);
}

/* --- broken histories: the run fails, its owner rebuilds it --- */

static void fails(const char *history, int64_t started_id, const char *text)
{
    struct builder b = {.stepwise = true};
    struct player p = {0};
    struct error err = {0};
    builder_write(&b, history);
    p.run = run_new();
    run_begin(p.run, (struct run_task){.started_id = started_id});
    assert_int_equal(run_next(p.run, &p.jobs, &err), RUN_NEED_HISTORY);
    assert_false(run_feed(p.run, b.events, b.count, false, &err));
    assert_int_equal(err.kind, ERROR_MALFORMED);
    assert_string_equal(err.text, text);
    assert_int_equal(run_next(p.run, &p.jobs, &p.err), RUN_NEED_FAIL);
    assert_string_equal(p.err.text, text);
    assert_false(run_feed(p.run, b.events, b.count, false, &p.err));
    player_evict(&p);
}

static void t16_a_blank_history_is_an_error(void **state)
{
    (void)state;
    fails("", 3, "history is empty");
    fails("", 0, "history is empty");
}

static void a_history_that_ends_before_the_task_is_an_error(void **state)
{
    (void)state;
    fails("start task timer:1", 8, "history ends at event 5, before the task's event 8");
}

static void a_page_behind_the_last_one_is_an_error(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    player_next(&p);
    assert_false(run_feed(p.run, b.events, 0, false, &p.err));
    assert_int_equal(p.err.kind, ERROR_USAGE);
    player_evict(&p);
}

static void a_task_is_not_worked_off_twice(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    apply(&p, "3: initialize", "timer:1");
    player_next(&p);
    player_answer(&p);
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "fail");
    assert_string_equal(p.err.text, "the task of event 3 was worked off before");
    player_evict(&p);
}

static void a_run_in_the_middle_of_its_rounds_has_nothing_to_send(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    apply(&p, "3: initialize", "activity:1/a revoke:1");
    run_reply(p.run, &p.answer);
    assert_false(p.answer.respond);
    assert_string_equal(player_next(&p), "3: activity(1 released)");
    assert_string_equal(player_next(&p), "3: activity(1 released)");
    assert_int_equal(p.jobs.jobs[0].scheduled_id, 0);
    player_evict(&p);
}

static void a_task_left_before_its_jobs_were_answered_spoils_the_run(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "3: initialize");
    run_end(p.run);
    builder_write(&b, "late open");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "fail");
    assert_string_equal(p.err.text, "the task was left before its jobs were answered");
    player_evict(&p);
}

static void a_signal_in_place_of_the_completion_of_an_answered_task(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    apply(&p, "3: initialize", "timer:1");
    player_next(&p);
    player_answer(&p);
    builder_write(&b, "maybe:99 signal:s open");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "fail");
    assert_int_equal(p.err.kind, ERROR_MALFORMED);
    assert_string_equal(p.err.text, "the task of event 3 was answered, but history goes on with "
                                    "WorkflowExecutionSignaled (event 5), not with its completion");
    player_evict(&p);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(an_activity_is_scheduled_resolved_and_the_run_completes),
        cmocka_unit_test(jobs_come_in_classes_and_within_them_in_historys_order),
        cmocka_unit_test(a_signal_before_the_first_task_comes_behind_the_start),
        cmocka_unit_test(the_moment_is_that_of_the_task_and_never_goes_back),
        cmocka_unit_test(before_its_first_task_a_run_has_the_time_of_its_start),
        cmocka_unit_test(a_run_is_live_from_the_first_news_on),
        cmocka_unit_test(a_query_is_never_answered_by_a_completion),
        cmocka_unit_test(a_query_between_answer_and_confirmation_sees_the_commands_waiting),
        cmocka_unit_test(a_query_ahead_of_its_task_makes_the_run_stale),
        cmocka_unit_test(a_closed_run_is_replayed_for_a_query_and_stays_closed),
        cmocka_unit_test(events_seen_before_are_skipped_when_the_whole_history_comes_again),
        cmocka_unit_test(a_task_completed_with_a_closing_command_the_server_did_not_take),
        cmocka_unit_test(a_cancel_from_outside_ends_an_activity_and_the_run_in_one_task),
        cmocka_unit_test(the_first_answer_records_our_flag_and_name),
        cmocka_unit_test(a_run_of_another_sdk_is_cut_by_its_rule_and_takes_up_ours),
        cmocka_unit_test(a_query_of_another_sdks_run_that_rests_behind_a_task_without_commands),
        cmocka_unit_test(the_first_marker_is_known_before_the_script_begins),
        cmocka_unit_test(only_what_stands_first_behind_the_first_completion_counts),
        cmocka_unit_test(between_tasks_a_run_keeps_what_is_open_and_no_more),
        cmocka_unit_test(t16_a_blank_history_is_an_error),
        cmocka_unit_test(a_history_that_ends_before_the_task_is_an_error),
        cmocka_unit_test(a_page_behind_the_last_one_is_an_error),
        cmocka_unit_test(a_task_is_not_worked_off_twice),
        cmocka_unit_test(a_run_in_the_middle_of_its_rounds_has_nothing_to_send),
        cmocka_unit_test(a_task_left_before_its_jobs_were_answered_spoils_the_run),
        cmocka_unit_test(a_signal_in_place_of_the_completion_of_an_answered_task),
    };
    return RUN_STORIES("core/run", stories);
}

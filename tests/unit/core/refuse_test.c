/* A run that is not what its history says is refused, and the text names both sides. */
#include "story.h"

#include "player.h"

static void refuses(const char *history, const struct turn *turns, enum error_kind kind,
                    const char *text)
{
    for (size_t page = 0; page < 4; page++) {
        struct builder b = {.stepwise = true};
        struct player p = {.page = page};
        builder_write(&b, history);
        assert_string_equal(player_refusal(&p, &b, turns), text);
        assert_int_equal(p.err.kind, kind);
        struct run_jobs jobs;
        struct error again = {0};
        assert_int_equal(run_next(p.run, &jobs, &again), RUN_NEED_FAIL);
        assert_string_equal(again.text, text);
        run_reply(p.run, &p.answer);
        assert_false(p.answer.respond);
        player_evict(&p);
    }
}

#define ACTS(...)                                                                                  \
    (const struct turn[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define ACT(words)                                                                                 \
    {                                                                                              \
        "", "", words, ""                                                                          \
    }

#define TWO_ACTIVITIES                                                                             \
    "start task activity:1/reserve activity:2/charge begun@5 done@5 begun@6 done@6 task complete"

static void a_script_that_keeps_to_its_history_is_not_refused(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, TWO_ACTIVITIES);
    assert_string_equal(
        player_refusal(&p, &b, ACTS(ACT("activity:1/reserve activity:2/charge"), ACT("complete"))),
        "");
    player_evict(&p);
}

static void reordered_activities(void **state)
{
    (void)state;
    refuses(TWO_ACTIVITIES, ACTS(ACT("activity:1/charge activity:2/reserve")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has ActivityTaskScheduled 'reserve' "
            "(id 1), the script asked for activity 'charge' (id 1) at w.lua:1");
}

static void a_renamed_activity(void **state)
{
    (void)state;
    refuses(TWO_ACTIVITIES, ACTS(ACT("activity:1/reserve activity:2/pay")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 6: history has ActivityTaskScheduled 'charge' "
            "(id 2), the script asked for activity 'pay' (id 2) at w.lua:2; before that: event 5 "
            "ActivityTaskScheduled 'reserve' matched line 1");
}

static void another_activity_id(void **state)
{
    (void)state;
    refuses(TWO_ACTIVITIES, ACTS(ACT("activity:1/reserve activity:3/charge")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 6: history has ActivityTaskScheduled 'charge' "
            "(id 2), the script asked for activity 'charge' (id 3) at w.lua:2; before that: event "
            "5 ActivityTaskScheduled 'reserve' matched line 1");
}

static void a_removed_first_activity(void **state)
{
    (void)state;
    refuses(TWO_ACTIVITIES, ACTS(ACT("activity:1/charge")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has ActivityTaskScheduled 'reserve' "
            "(id 1), the script asked for activity 'charge' (id 1) at w.lua:1");
}

static void a_removed_last_activity(void **state)
{
    (void)state;
    refuses(TWO_ACTIVITIES, ACTS(ACT("activity:1/reserve")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 6: history has ActivityTaskScheduled 'charge' "
            "(id 2), the script asked for nothing more; before that: event 5 "
            "ActivityTaskScheduled 'reserve' matched w.lua:1");
}

static void an_added_last_activity(void **state)
{
    (void)state;
    refuses(TWO_ACTIVITIES,
            ACTS(ACT("activity:1/reserve activity:2/charge activity:3/thank timer:1")),
            ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 7: history has no further command "
            "(ActivityTaskStarted), the script asked for activity 'thank' (id 3) at w.lua:3; "
            "before that: event 5 ActivityTaskScheduled 'reserve' matched line 1, event 6 "
            "ActivityTaskScheduled 'charge' matched line 2");
}

static void an_added_activity_where_history_stops_behind_the_task(void **state)
{
    (void)state;
    refuses("start task activity:1/a", ACTS(ACT("activity:1/a activity:2/b")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has no further command (its end), "
            "the script asked for activity 'b' (id 2) at w.lua:2; before that: event 5 "
            "ActivityTaskScheduled 'a' matched line 1");
}

static void an_activity_where_a_timer_was(void **state)
{
    (void)state;
    refuses("start task marker:v timer:1 fired@6 task complete",
            ACTS(ACT("marker:v activity:1/charge")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 6: history has TimerStarted '1', the script "
            "asked for activity 'charge' (id 1) at w.lua:2; before that: event 5 MarkerRecorded "
            "'v' matched line 1");
}

static void another_timer_marker_or_ending(void **state)
{
    (void)state;
    refuses("start task timer:1 task", ACTS(ACT("timer:2")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has TimerStarted '1', the script "
            "asked for timer 2 at w.lua:1");
    refuses("start task marker:v task", ACTS(ACT("marker:w")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has MarkerRecorded 'v', the script "
            "asked for marker 'w' at w.lua:1");
    refuses("start task complete", ACTS(ACT("fail")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has WorkflowExecutionCompleted, the "
            "script asked for failing the workflow at w.lua:1");
    refuses("start task fail", ACTS(ACT("renew")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has WorkflowExecutionFailed, the "
            "script asked for continuing as new at w.lua:1");
    refuses("start task complete", ACTS(ACT("cancelled")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has WorkflowExecutionCompleted, the "
            "script asked for ending the workflow as cancelled at w.lua:1");
    refuses("start task complete", ACTS(ACT("timer:1")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has WorkflowExecutionCompleted, the "
            "script asked for timer 1 at w.lua:1");
    refuses("start task timer:1 task", ACTS(ACT("complete")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 5: history has TimerStarted '1', the script "
            "asked for completing the workflow at w.lua:1");
}

static void the_cancel_of_another_one(void **state)
{
    (void)state;
    refuses("start task timer:1 timer:2 signal:s task untimer@5 signal:t task",
            ACTS(ACT("timer:1 timer:2"), ACT("untimer:2")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 11: history has TimerCanceled (of event 5), the "
            "script asked for cancelling timer 2 (event 6) at w.lua:1; before that: event 5 "
            "TimerStarted '1' matched line 1, event 6 TimerStarted '2' matched line 2");
    refuses("start task activity:1/a activity:2/b signal:s task revoke@5 signal:t task",
            ACTS(ACT("activity:1/a activity:2/b"), ACT("wait:2")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 11: history has ActivityTaskCancelRequested (of "
            "event 5), the script asked for cancelling activity 2 (event 6) at w.lua:1; before "
            "that: event 5 ActivityTaskScheduled 'a' matched line 1, event 6 "
            "ActivityTaskScheduled 'b' matched line 2");
}

static void the_trail_shows_the_last_three_matches(void **state)
{
    (void)state;
    refuses("start task marker:a marker:b marker:c marker:d marker:e task",
            ACTS(ACT("marker:a marker:b marker:c marker:d marker:x")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 9: history has MarkerRecorded 'e', the script "
            "asked for marker 'x' at w.lua:5; before that: event 6 MarkerRecorded 'b' matched "
            "line 2, event 7 MarkerRecorded 'c' matched line 3, event 8 MarkerRecorded 'd' "
            "matched line 4");
}

static void the_trail_begins_anew_with_each_task(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start task marker:a timer:1 fired@6 open");
    player_begin(&p, &b);
    player_next(&p);
    assert_true(player_act(&p, "marker:a timer:1"));
    player_next(&p);
    assert_true(player_act(&p, "marker:b"));
    player_next(&p);
    player_answer(&p);
    builder_write(&b, "completed marker:c open");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "fail");
    assert_string_equal(p.err.text,
                        "[TMPRL1100] nondeterminism at event 11: history has MarkerRecorded 'c', "
                        "the script asked for marker 'b' at w.lua:1");
    player_evict(&p);
}

/* The answer's commands die with the task; what recognises their events does not. */
static void commands_are_known_when_their_memory_is_gone(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    char text[] = "1 charge x.lua:1 w.lua:2";
    struct command commands[] = {
        {.type = COMMAND_SCHEDULE_ACTIVITY,
         .seq = 1,
         .key = {text, 1},
         .name = {text + 2, 6},
         .place = {text + 9, 7}},
        {.type = COMMAND_COMPLETE_WORKFLOW,             .place = {text + 17, 7}},
    };
    builder_write(&b, "start open");
    player_begin(&p, &b);
    player_next(&p);
    assert_true(run_apply(p.run, commands, 2, &p.err));
    player_next(&p);
    player_answer(&p);
    memset(text, '?', sizeof text);
    memset(commands, 0, sizeof commands);
    builder_write(&b, "completed activity:1/charge timer:1");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "fail");
    assert_string_equal(p.err.text,
                        "[TMPRL1100] nondeterminism at event 6: history has TimerStarted '1', the "
                        "script asked for completing the workflow at w.lua:2; before that: event "
                        "5 ActivityTaskScheduled 'charge' matched x.lua:1");
    player_evict(&p);
}

static void names_too_long_to_show_are_cut_between_letters(void **state)
{
    (void)state;
    char words[4096] = "start task activity:1/x";
    for (int i = 0; i < 600; i++)
        strcat(words, "\xc3\xa9"); /* é, two bytes: of the 80th only the first would be shown */
    strcat(words, "x task");
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, words);
    const char *text = player_refusal(&p, &b, ACTS(ACT("activity:1/b")));
    const char *cut = strstr(text, "\xc3\xa9' (id 1), the script asked for activity 'b' (id 1)");
    assert_non_null(cut);
    assert_int_equal(cut + 2 - strchr(text, '\'') - 1, 79);
    player_evict(&p);
}

static void an_event_of_something_that_is_not_open(void **state)
{
    (void)state;
    refuses("start task timer:1 fired@5 fired@5 task", ACTS(ACT("timer:1")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 7: history has TimerFired of event 5, but no "
            "timer of this run is open since then");
    refuses("start task activity:1/a done@4 task", ACTS(ACT("activity:1/a")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 6: history has ActivityTaskCompleted of event 4, "
            "but no activity of this run is open since then");
}

static void an_event_that_cannot_be(void **state)
{
    (void)state;
    refuses("start task activity:1/a done@5 task", ACTS(ACT("activity:1/a")), ERROR_MALFORMED,
            "event 6: the activity is SCHEDULED, which ActivityTaskCompleted does not fit");
    refuses("start begin", ACTS(ACT("")), ERROR_MALFORMED,
            "event 2: the workflow task is IDLE, which WorkflowTaskStarted does not fit");
    refuses("start task timer:1 signal:a task untimer@5 fired@5 task",
            ACTS(ACT("timer:1"), ACT("untimer:1")), ERROR_HISTORY,
            "[TMPRL1100] nondeterminism at event 11: history has TimerFired of event 5, but no "
            "timer of this run is open since then");
    refuses("start task start task", ACTS(ACT("")), ERROR_MALFORMED,
            "event 5 starts a run that has begun");
}

static void an_event_behind_the_end(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start task complete signal:s");
    assert_string_equal(player_refusal(&p, &b, ACTS(ACT("complete"))),
                        "history goes on behind event 5, the end of the run");
    player_evict(&p);
}

static void an_event_that_this_build_does_not_know(void **state)
{
    (void)state;
    refuses("start any:31 open", ACTS(ACT("")), ERROR_MALFORMED,
            "this build does not know ChildWorkflowExecutionStarted (event 2)");
    refuses("start any:99 open", ACTS(ACT("")), ERROR_MALFORMED,
            "this build does not know EventType99 (event 2)");
    refuses("start any:0 open", ACTS(ACT("")), ERROR_MALFORMED,
            "this build does not know EventType0 (event 2)");
    refuses("start task any:29 task", ACTS(ACT("")), ERROR_MALFORMED,
            "this build does not know StartChildWorkflowExecutionInitiated (event 5)");
}

static void an_event_that_may_be_ignored(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start maybe:99 any:44 any:45 any:55 any:58 any:59 any:60 task any:55 "
                      "timer:1 fired@13 open");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "10*: initialize");
    assert_true(player_act(&p, "timer:1"));
    assert_string_equal(player_next(&p), "16: fire(1)");
    player_evict(&p);
}

static void a_command_that_this_build_does_not_know(void **state)
{
    (void)state;
    refuses("start open", ACTS(ACT("child:1/x")), ERROR_USAGE,
            "this build does not know command 11");
}

static void a_script_host_that_breaks_the_rules(void **state)
{
    (void)state;
    refuses("start open", ACTS(ACT("timer:1 timer:1")), ERROR_BUG, "timer 1 was started before");
    refuses("start open", ACTS(ACT("untimer:1")), ERROR_BUG, "timer 1 was never started");
    refuses("start open", ACTS(ACT("activity:2/a activity:1/a")), ERROR_BUG,
            "activity 1 was scheduled before");
    refuses("start open", ACTS(ACT("revoke:1")), ERROR_BUG, "activity 1 was never scheduled");

    struct builder b = {0};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    player_next(&p);
    assert_true(player_act(&p, ""));
    assert_false(player_act(&p, "timer:1"));
    assert_string_equal(p.err.text, "commands came without jobs to answer");
    player_evict(&p);
}

static void a_flag_of_a_newer_build(void **state)
{
    (void)state;
    static const uint32_t flags[] = {1, 7};
    struct builder b = {0};
    struct player p = {0};
    builder_write(&b, "start task timer:1 fired@5 open");
    b.events[3].completed.flags = flags;
    b.events[3].completed.flag_count = 2;
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "fail"); /* before the script is asked for anything */
    assert_string_equal(p.err.text,
                        "[TMPRL1100] event 4 was recorded by a newer SignalRoom or by another SDK: "
                        "this build does not know lang flag 7");
    assert_int_equal(p.err.kind, ERROR_HISTORY);
    player_evict(&p);

    b.count = 4; /* in the middle of a sequence of another SDK */
    b.events[3].completed.flags = flags + 1;
    b.events[3].completed.flag_count = 1;
    builder_write(&b, "task timer:1 task");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "fail");
    assert_int_equal(run_last_event(p.run), 3);
    player_evict(&p);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_script_that_keeps_to_its_history_is_not_refused),
        cmocka_unit_test(reordered_activities),
        cmocka_unit_test(a_renamed_activity),
        cmocka_unit_test(another_activity_id),
        cmocka_unit_test(a_removed_first_activity),
        cmocka_unit_test(a_removed_last_activity),
        cmocka_unit_test(an_added_last_activity),
        cmocka_unit_test(an_added_activity_where_history_stops_behind_the_task),
        cmocka_unit_test(an_activity_where_a_timer_was),
        cmocka_unit_test(another_timer_marker_or_ending),
        cmocka_unit_test(the_cancel_of_another_one),
        cmocka_unit_test(the_trail_shows_the_last_three_matches),
        cmocka_unit_test(the_trail_begins_anew_with_each_task),
        cmocka_unit_test(commands_are_known_when_their_memory_is_gone),
        cmocka_unit_test(names_too_long_to_show_are_cut_between_letters),
        cmocka_unit_test(an_event_of_something_that_is_not_open),
        cmocka_unit_test(an_event_that_cannot_be),
        cmocka_unit_test(an_event_behind_the_end),
        cmocka_unit_test(an_event_that_this_build_does_not_know),
        cmocka_unit_test(an_event_that_may_be_ignored),
        cmocka_unit_test(a_command_that_this_build_does_not_know),
        cmocka_unit_test(a_script_host_that_breaks_the_rules),
        cmocka_unit_test(a_flag_of_a_newer_build),
    };
    return RUN_STORIES("core/refuse", stories);
}

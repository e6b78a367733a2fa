/*
 * Where history is cut: docs/protocol.md, Cutting history, as vectors T1 to T17, each with pages of
 * every size, with and without empty pages between; then the rule of flag 1.
 */
#include "story.h"

#include <stdio.h>

#include "builder.h"
#include "core/history.h"

struct cutting {
    const char *words;
    int64_t from; /* applied before */
    const char *ends;
    bool unfinished; /* more pages follow what is here */
    bool stepwise;
};

static bool feed(struct history *h, const struct builder *b, size_t from, size_t count, bool more)
{
    struct error err = {0};
    return history_feed(h, b->events + from, count, more, &err);
}

/* The ids of the sequences' last events, "..." when more pages are needed. */
static void cut(const struct cutting *c, const struct builder *b, size_t page, bool empty_pages,
                char *text)
{
    struct history h = {0};
    struct sequence s;
    size_t fed = 0;
    enum history_step step;
    int64_t applied = c->from;
    int used = 0;
    bool flag = false;
    history_open(&h, c->from);
    *text = '\0';
    while ((step = history_take(&h, flag, &s)) != HISTORY_ENDS) {
        if (step == HISTORY_NEEDS_PAGE && fed == b->count)
            break;
        if (step == HISTORY_NEEDS_PAGE) {
            size_t size = page < b->count - fed ? page : b->count - fed;
            if (empty_pages)
                assert_true(feed(&h, b, fed, 0, true));
            assert_true(feed(&h, b, fed, size, fed + size < b->count || c->unfinished));
            fed += size;
            continue;
        }
        assert_int_equal(s.events[0]->id, applied + 1);
        for (size_t i = 0; i < s.count; i++)
            assert_int_equal(s.events[i]->id, ++applied);
        assert_true(!s.after || s.after->id == applied + 1);
        flag |= c->stepwise && applied > 3;
        used += sprintf(text + used, "%s%lld", used ? " " : "", (long long)applied);
    }
    if (step == HISTORY_NEEDS_PAGE)
        sprintf(text + used, " ...");
    history_release(&h);
}

static void check(struct cutting c)
{
    struct builder b = {.stepwise = c.stepwise};
    char text[256];
    builder_write(&b, c.words);
    for (size_t page = 1; page <= b.count; page++)
        for (int empty = 0; empty < 2; empty++) {
            cut(&c, &b, page, empty, text);
            assert_string_equal(text, c.ends);
        }
}

static void t1_a_timer(void **state)
{
    (void)state;
    check((struct cutting){"start task timer:1 fired@5 open", 0, "3 8", false, false});
}

static void t2_a_run_terminated_in_its_last_task(void **state)
{
    (void)state;
    check((struct cutting){"start task timer:1 fired@5 open stop", 0, "3 9", false, false});
}

static void t3_a_task_failed_by_reset(void **state)
{
    (void)state;
    check((struct cutting){"start task timer:1 fired@5 open reset open", 0, "3 11", false, false});
}

static void t4_events_between_scheduled_and_begin_belong_to_the_task(void **state)
{
    (void)state;
    check((struct cutting){"start task activity:1/a signal:s scheduled signal:s begun@5 done@5 "
                           "begin late task complete",
                           0, "3 14 16", false, false});
}

static void t5_heartbeats_are_glued_until_a_command(void **state)
{
    (void)state;
    check((struct cutting){"start task task timer:1 task task task task timer:2 task signal:s "
                           "task complete",
                           0, "6 10 19 23 27 29", false, false});
}

static void t6_a_marker_and_the_end(void **state)
{
    (void)state;
    check((struct cutting){"start task marker:la complete", 3, "6", false, false});
    check((struct cutting){"start task marker:la complete", 0, "3 6", false, false});
}

static void write_t7(struct builder *b)
{
    builder_write(b, "start task timer:1 task timer:2 task");
    for (int i = 0; i < 49; i++)
        builder_write(b, "task");
    builder_write(b, "complete");
}

static void t7_a_long_chain_of_heartbeats(void **state)
{
    (void)state;
    struct cutting c = {0};
    struct builder b = {0};
    char text[256];
    write_t7(&b);
    for (size_t page = 1; page <= b.count; page += page < 20 ? 1 : 13) {
        cut(&c, &b, page, false, text);
        assert_string_equal(text, "3 7 11 158 160");
    }
}

static void t8_a_chain_that_goes_on_in_another_page_is_not_cut(void **state)
{
    (void)state;
    struct cutting c = {.unfinished = true};
    char text[256];
    for (size_t count = 18; count <= 21; count++) {
        struct builder b = {0};
        write_t7(&b);
        b.count = count;
        cut(&c, &b, count, false, text);
        assert_string_equal(text, "3 7 11 ...");
    }
}

static void t9_timed_out_attempts_are_glued(void **state)
{
    (void)state;
    check((struct cutting){"start task signal:s task marker:la activity:1/a begun@10 done@10 "
                           "open late open late open",
                           0, "3 7 20", false, false});
}

static void t10_a_failed_task_and_its_signals(void **state)
{
    (void)state;
    check((struct cutting){"start task signal:a open failed signal:b signal:c signal:d signal:e "
                           "signal:f open",
                           0, "3 15", false, false});
}

static void t11_two_signals(void **state)
{
    (void)state;
    check((struct cutting){"start task signal:a task signal:b task complete", 0, "3 7 11 13", false,
                           false});
}

static void t12_a_cached_run_with_a_page_token(void **state)
{
    (void)state;
    check((struct cutting){"start task task task signal:a open", 3, "9 13", false, false});
}

static void t13_a_cache_miss_fetches_from_the_start(void **state)
{
    (void)state;
    check((struct cutting){"start task timer:1 task timer:2 open", 0, "3 7 11", false, false});
}

static void t13_the_polls_own_tail_is_appended_to_what_was_fetched(void **state)
{
    (void)state;
    struct builder b = {0};
    struct history h = {0};
    struct sequence s;
    builder_write(&b, "start task timer:1 task timer:2 open");
    history_open(&h, 0);
    assert_true(feed(&h, &b, 0, 9, true));  /* fetched: without the last two */
    assert_true(feed(&h, &b, 5, 6, false)); /* the poll's own, from event 6 */
    assert_int_equal(history_take(&h, false, &s), HISTORY_SEQUENCE);
    assert_int_equal(history_take(&h, false, &s), HISTORY_SEQUENCE);
    assert_int_equal(history_take(&h, false, &s), HISTORY_SEQUENCE);
    assert_int_equal(s.events[s.count - 1]->id, 11);
    assert_true(s.last);
    history_release(&h);
}

static void t14_an_update_in_the_first_task(void **state)
{
    (void)state;
    check((struct cutting){"start open failed task accepted@0 timer:1 updated fired@9 task", 0,
                           "6 13 14", false, false});
}

static void t15_the_task_before_an_update_is_not_glued_to_it(void **state)
{
    (void)state;
    check((struct cutting){"start task task accepted@5 timer:1 updated fired@9 task", 0,
                           "3 6 13 14", false, false});
    check((struct cutting){"start task open failed task accepted@8 complete", 0, "3 9 12", false,
                           false});
}

static void t17_a_token_may_lead_to_an_empty_page(void **state)
{
    (void)state;
    struct builder b = {0};
    struct history h = {0};
    struct sequence s;
    builder_write(&b, "start task timer:1 fired@5 open");
    history_open(&h, 0);
    assert_true(feed(&h, &b, 0, b.count, true));
    assert_int_equal(history_take(&h, false, &s), HISTORY_SEQUENCE);
    assert_int_equal(s.events[s.count - 1]->id, 3);
    assert_int_equal(history_take(&h, false, &s), HISTORY_NEEDS_PAGE);
    assert_true(feed(&h, &b, b.count, 0, false));
    assert_int_equal(history_take(&h, false, &s), HISTORY_SEQUENCE);
    assert_int_equal(s.events[s.count - 1]->id, 8);
    assert_true(s.last);
    assert_int_equal(history_take(&h, false, &s), HISTORY_ENDS);
    history_release(&h);
}

static void a_task_without_commands_at_the_end_is_one_sequence_with_its_completion(void **state)
{
    (void)state;
    check((struct cutting){"start task signal:s task", 0, "3 8", false, false});
    check((struct cutting){"start task signal:s task", 0, "3 7 8", false, true});
}

static void with_flag_1_each_completed_task_ends_a_sequence(void **state)
{
    (void)state;
    check((struct cutting){"start task task timer:1 task task task task timer:2 task signal:s "
                           "task complete",
                           0, "3 6 10 13 16 19 23 27 29", false, true});
    check((struct cutting){"start task task", 0, "3 6 7", false, true});
    check((struct cutting){"start task task accepted@5 timer:1 updated fired@9 task", 0,
                           "3 6 13 14", false, true});
}

static void with_flag_1_failed_attempts_are_glued_all_the_same(void **state)
{
    (void)state;
    check((struct cutting){"start open failed open late task timer:1 fired@11 open late open", 0,
                           "9 17", false, true});
    check((struct cutting){"start task signal:a scheduled late open", 0, "3 9", false, true});
}

static void a_history_that_another_sdk_began_changes_its_rule_where_ours_came_in(void **state)
{
    (void)state;
    static const uint32_t flags[] = {1};
    struct builder b = {0};
    char text[256];
    struct cutting c = {.stepwise = true};
    builder_write(&b, "start task task task task task signal:s open");
    b.events[9].completed.flags = flags; /* event 10 completes the third task */
    b.events[9].completed.flag_count = 1;
    for (size_t page = 1; page <= b.count; page++) {
        cut(&c, &b, page, false, text);
        assert_string_equal(text, "9 12 15 19");
    }
}

static void a_gap_is_refused_and_what_was_seen_is_skipped(void **state)
{
    (void)state;
    struct builder b = {0};
    struct history h = {0};
    struct error err = {0};
    builder_write(&b, "start task timer:1 fired@5 open");
    history_open(&h, 3);
    assert_true(history_feed(&h, b.events, 5, true, &err));
    assert_true(history_feed(&h, b.events + 2, 4, true, &err));
    assert_int_equal(h.count, 3);
    assert_false(history_feed(&h, b.events + 7, 1, true, &err));
    assert_int_equal(err.kind, ERROR_MALFORMED);
    assert_string_equal(err.text, "history has a gap: event 8 comes after event 6");
    history_release(&h);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(t1_a_timer),
        cmocka_unit_test(t2_a_run_terminated_in_its_last_task),
        cmocka_unit_test(t3_a_task_failed_by_reset),
        cmocka_unit_test(t4_events_between_scheduled_and_begin_belong_to_the_task),
        cmocka_unit_test(t5_heartbeats_are_glued_until_a_command),
        cmocka_unit_test(t6_a_marker_and_the_end),
        cmocka_unit_test(t7_a_long_chain_of_heartbeats),
        cmocka_unit_test(t8_a_chain_that_goes_on_in_another_page_is_not_cut),
        cmocka_unit_test(t9_timed_out_attempts_are_glued),
        cmocka_unit_test(t10_a_failed_task_and_its_signals),
        cmocka_unit_test(t11_two_signals),
        cmocka_unit_test(t12_a_cached_run_with_a_page_token),
        cmocka_unit_test(t13_a_cache_miss_fetches_from_the_start),
        cmocka_unit_test(t13_the_polls_own_tail_is_appended_to_what_was_fetched),
        cmocka_unit_test(t14_an_update_in_the_first_task),
        cmocka_unit_test(t15_the_task_before_an_update_is_not_glued_to_it),
        cmocka_unit_test(t17_a_token_may_lead_to_an_empty_page),
        cmocka_unit_test(a_task_without_commands_at_the_end_is_one_sequence_with_its_completion),
        cmocka_unit_test(with_flag_1_each_completed_task_ends_a_sequence),
        cmocka_unit_test(with_flag_1_failed_attempts_are_glued_all_the_same),
        cmocka_unit_test(a_history_that_another_sdk_began_changes_its_rule_where_ours_came_in),
        cmocka_unit_test(a_gap_is_refused_and_what_was_seen_is_skipped),
    };
    return RUN_STORIES("core/chunk", stories);
}

/* A run from its start to its end: what it asks the script for, and what the server hears. */
#include "story.h"

#include "player.h"

/* Plays the task at hand to its end: asserts the jobs, acts, asserts the answer. */
static void play(struct player *p, const char *jobs, const char *act, const char *answer)
{
    assert_string_equal(player_next(p), jobs);
    assert_true(player_act(p, act));
    assert_string_equal(player_next(p), "nothing");
    assert_string_equal(player_answer(p), answer);
}

static void an_activity_is_scheduled_resolved_and_the_run_completes(void **state)
{
    (void)state;
    struct builder b = {.stepwise = true};
    struct player p = {0};
    builder_write(&b, "start open");
    player_begin(&p, &b);
    play(&p, "3: initialize", "activity:1/charge", "activity:1");
    builder_write(&b, "completed activity:1/charge begun@5 done@5 open");
    player_begin(&p, &b);
    play(&p, "9: activity(1 done)", "complete", "complete");
    assert_true(p.answer.terminal);
    builder_write(&b, "completed complete");
    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "nothing");
    assert_true(run_closed(p.run));
    assert_string_equal(player_answer(&p), "-");
    player_evict(&p);

    player_begin(&p, &b);
    assert_string_equal(player_next(&p), "3*: initialize");
    assert_true(player_act(&p, "activity:1/charge"));
    assert_string_equal(player_next(&p), "9*: activity(1 done)");
    assert_true(player_act(&p, "complete"));
    assert_string_equal(player_next(&p), "nothing");
    assert_true(run_closed(p.run));
    player_evict(&p);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(an_activity_is_scheduled_resolved_and_the_run_completes),
    };
    return RUN_STORIES("core/run", stories);
}

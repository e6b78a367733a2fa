/* Activity tasks that nobody can run any more. */
#include "story.h"

#include "worker/desk.h"

static void a_task_that_comes_after_all_was_given_up_is_left_to_the_server(void **state)
{
    struct worker worker = {.activities.abandoned = true, .polls.activity_slots.max = 1};

    (void)state;
    assert_true(slots_reserve(&worker.polls.activity_slots));
    slots_use(&worker.polls.activity_slots);
    activities_accept(&worker, (struct span){"", 0});
    assert_int_equal(worker.polls.activity_slots.used, 0);
    assert_int_equal(worker.activities.count, 0);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_task_that_comes_after_all_was_given_up_is_left_to_the_server),
    };

    return RUN_STORIES("activities", stories);
}

/* Runs of one cell share code and nothing else. */
#include "story.h"

#include "stage.h"

static void a_run_does_what_its_script_says(void **state)
{
    (void)state;
    assert_string_equal(stage_once("return 1 + 1"), "true 2");
    assert_string_equal(stage_once("error('oh')"), "false story.lua:1: oh");
}

static void a_run_waits_and_goes_on_where_it_was(void **state)
{
    (void)state;
    struct cell *cell = stage_cell("local more = wait() return input .. more");
    struct instance *run = stage_run(cell);
    assert_string_equal(stage_say(run, "a"), "waits");
    assert_string_equal(stage_say(run, "b"), "true ab");
    cell_close(cell);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_run_does_what_its_script_says),
        cmocka_unit_test(a_run_waits_and_goes_on_where_it_was),
    };
    return RUN_STORIES("cell", stories);
}

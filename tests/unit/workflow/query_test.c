/* What a query leaves behind: nothing, and a run that goes on from memory. */
#include "story.h"

#include "workflow/desk.h"

static void a_query_behind_a_task_leaves_the_run_in_memory(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Nap' { run = function() workflow.sleep(5) end,\n"
                                      "queries = { state = function() return 'napping' end } }");
    struct workflow_run *run = new_run();
    work(run, poll("start Nap; open", 1));
    struct workflow_answer answer =
        work(run, query_poll("start Nap; pinned; timer 1", 4, query("state", NULL)));
    assert_int_equal(answer.kind, ANSWER_QUERY);
    assert_false(answer.evict);
    answer = work(run, poll("start Nap; pinned; timer 1; fired 1; open", 4));
    assert_true(answer.closes);
    workflow_run_free(run);
}

/* The run's result when so many queries draw, seed and name before its second task. */
static const char *result_after_queries(int count)
{
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Dice; open", 1));
    for (int i = 0; i < count; i++) {
        answer = work(run, query_poll("start Dice; open", 4, query("draw", NULL)));
        assert_int_equal(answered(&answer)->completed_type, 1);
    }
    answer = work(run, poll("start Dice; pinned; timer 1; fired 1; open", 4));
    const char *result = text_of(
        completed(&answer)->commands[0]->complete_workflow_execution_command_attributes->result);
    workflow_run_free(run);
    return result;
}

static void a_query_that_draws_and_names_changes_nothing_of_the_run(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua",
                   "local early, late = {}, {}\n"
                   "workflow 'Dice' { run = function()\n"
                   "  local first = tostring(early)\n"
                   "  workflow.sleep(5)\n"
                   "  return { first, tostring(early), tostring({}), tostring(late),\n"
                   "           math.random(), workflow.uuid() }\n"
                   "end,\n"
                   "queries = { draw = function()\n"
                   "  local drawn = { tostring({}), tostring(late), tostring(early) }\n"
                   "  drawn[4], drawn[5] = workflow.uuid(), math.random()\n"
                   "  math.randomseed(7)\n"
                   "  return drawn\n"
                   "end } }");
    const char *alone = result_after_queries(0);
    assert_string_equal(result_after_queries(1), alone);
    assert_string_equal(result_after_queries(3), alone);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, theatre_open, theatre_close)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(a_query_behind_a_task_leaves_the_run_in_memory),
        STORY(a_query_that_draws_and_names_changes_nothing_of_the_run),
    };

    return RUN_STORIES("queries", stories);
}

/* Which activities of an answer may come with the server's reply. */
#include "story.h"

#include "core/event.h"
#include "workflow/desk.h"

/* A worker that has no slot for the second it is asked about. */
static bool offers_all_but_the_second(void *user, const char *type)
{
    struct bytes *asked = user;
    bytes_printf(asked, "%s ", type);
    return strcmp(bytes_text(asked), "a b ") != 0;
}

static bool is_eager(const Completed *c, size_t i)
{
    return c->commands[i]->schedule_activity_task_command_attributes->request_eager_execution;
}

static void activities_may_come_with_the_reply_when_the_worker_offers_it(void **state)
{
    (void)state;
    struct bytes asked = {0};
    struct error err = {0};
    theatre_script("workflows/t.lua", "workflow 'Many' { run = function()\n"
                                      "  local last\n"
                                      "  for _, name in ipairs { 'a', 'b', 'c' } do\n"
                                      "    last = workflow.start(name)\n"
                                      "  end\n"
                                      "  workflow.start('d', nil, { task_queue = 'other' })\n"
                                      "  last:wait()\n"
                                      "  workflow.start('e')\n"
                                      "end }");
    assert_true(theatre_try_host(
        (struct workflow_options){.eager = offers_all_but_the_second, .eager_user = &asked}, &err));
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Many; open", 1));
    const Completed *c = completed(&answer);

    assert_int_equal(c->n_commands, 5);
    assert_true(is_eager(c, 1) && !is_eager(c, 2) && is_eager(c, 3) && !is_eager(c, 4));
    assert_string_equal(bytes_text(&asked), "a b c ");

    answer = work(run, poll("start Many; pinned; activity 1 a; activity 2 b; activity 3 c;"
                            " activity 4 d; done 3 'up'; open",
                            4));
    assert_true(answer.closes);
    assert_string_equal(bytes_text(&asked), "a b c ");
    workflow_run_free(run);
    bytes_release(&asked);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test_setup_teardown(
            activities_may_come_with_the_reply_when_the_worker_offers_it, theatre_open,
            theatre_close),
    };

    return RUN_STORIES("eager activities", stories);
}

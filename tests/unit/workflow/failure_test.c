/* Tasks that fail: by the script's fault, by its own forbidden wishes, or because it does not stop.
 */
#include "story.h"

#include <stdio.h>
#include <string.h>

#include "workflow/desk.h"

static const char *const nap = "workflow 'Nap' { run = function()\n"
                               "  workflow.sleep('5s')\n"
                               "end }";

static void nondeterminism_fails_the_task_with_its_own_cause(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    struct workflow_answer answer =
        work(run, poll("start Nap; task; activity 1 other; done 1; open", 1));
    const Failed *f = failed(&answer);
    assert_int_equal(f->cause, 24);
    assert_string_equal(answer.failure_reason, "NonDeterminismError");
    has(f->failure->message, "[TMPRL1100] nondeterminism at event 5");
    has(f->failure->message, "workflows/t.lua:2");
    workflow_run_free(run);
}

static void only_the_first_attempt_of_a_failing_task_is_told(void **state)
{
    Poll *p;

    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Bad' { run = function() error('no') end }");
    struct workflow_run *run = new_run();
    p = poll("start Bad; open", 1);
    p->attempt = 2;
    struct workflow_answer answer = work(run, p);
    assert_int_equal(answer.kind, ANSWER_NOTHING);
    assert_true(answer.evict);
    assert_string_equal(answer.failure_reason, "WorkflowError");
    assert_non_null(strstr(answer.error.data, "workflows/t.lua:1: no"));
    workflow_run_free(run);
}

static void a_mistake_shows_where_it_was_made(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "local function inner()\n"
                                      "  error('no')\n"
                                      "end\n"
                                      "workflow 'Bad' { run = function()\n"
                                      "  inner()\n"
                                      "end }");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Bad; open", 1));
    const Failed *f = failed(&answer);
    assert_int_equal(f->cause, 14);
    assert_string_equal(f->failure->application_failure_info->type, "LuaError");
    assert_string_equal(f->failure->message, "workflows/t.lua:2: no");
    has(f->failure->stack_trace, "workflows/t.lua:2: in function 'inner'");
    has(f->failure->stack_trace, "workflows/t.lua:5");
    workflow_run_free(run);
}

static void a_payload_over_the_limit_fails_the_task_before_the_server_sees_it(void **state)
{
    struct error err = {0};

    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Big' { run = function()\n"
                                      "  workflow.call('x', ('y'):rep(2000))\n"
                                      "end }");
    assert_true(theatre_try_host((struct workflow_options){.payload_limit = 1000}, &err));
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Big; open", 1));
    const Failed *f = failed(&answer);
    assert_int_equal(f->cause, 37);
    has(f->failure->message, "[TMPRL1103]");
    has(f->failure->message, "workflows/t.lua:2");
    assert_string_equal(answer.failure_reason, "PayloadsTooLarge");
    workflow_run_free(run);
}

static void an_answer_over_the_limit_of_a_message_fails_the_task(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Big' { run = function()\n"
                                      "  local text = ('y'):rep(1900000)\n"
                                      "  workflow.wait_all { workflow.start('x', text),\n"
                                      "    workflow.start('x', text) }\n"
                                      "end }");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Big; open", 1));
    const Failed *f = failed(&answer);
    assert_int_equal(f->cause, 37);
    has(f->failure->message, "[TMPRL1103] the task's answer has 38");
    workflow_run_free(run);
}

static void an_error_text_that_is_no_utf8_is_told_as_far_as_it_is(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Raw' { run = function()\n"
                                      "  error('caf\\233 \\195\\169', 0)\n"
                                      "end }");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Raw; open", 1));
    assert_string_equal(failed(&answer)->failure->message, "caf? \303\251");
    workflow_run_free(run);
}

static void an_id_that_is_taken_is_refused_where_it_is_given(void **state)
{
    static const char *const twice[] = {
        "workflow.start('x', nil, { id = 'a' })\n  workflow.start('y', nil, { id = 'a' })",
        "workflow.start('x', nil, { id = '2' })\n  workflow.start('y')",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        snprintf(text, sizeof text, "workflow 'Twice' { run = function()\n  %s\nend }", twice[i]);
        theatre_forget();
        theatre_script("workflows/t.lua", text);
        struct workflow_run *run = new_run();
        struct workflow_answer answer = work(run, poll("start Twice; open", 1));
        has(failed(&answer)->failure->message, "workflows/t.lua:3: an activity with the id \"");
        workflow_run_free(run);
    }
}

static void an_id_that_is_free_again_may_be_given(void **state)
{
    (void)state;
    theatre_replays("workflow 'Again' { run = function()\n"
                    "  workflow.call('x', nil, { id = 'a' })\n"
                    "  local given_up = workflow.start('y', nil, { id = 'a' })\n"
                    "  given_up:cancel()\n"
                    "  return workflow.call('z', nil, { id = 'a' })\n"
                    "end }",
                    "start Again; task; activity a x; done a 1; task; activity a z; done a 2; "
                    "task; complete 2");
}

static void no_text_of_the_library_shows_an_address(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua",
                   "local function told(...) return tostring(select(2, pcall(...))) end\n"
                   "workflow 'Told' { run = function()\n"
                   "  error(ValueError(table.concat({\n"
                   "    tostring(ValueError { message = {} }), '-',\n"
                   "    tostring(KeyError(tostring)), told(workflow.call, tostring),\n"
                   "    told(workflow.call, 'x', nil, { cancel = {} }),\n"
                   "    told(workflow.call, 'x', nil, { [{}] = 1 }), told(workflow.sleep, {}),\n"
                   "    told(workflow.signal, {}),\n"
                   "  }, '; ')))\n"
                   "end }\n"
                   "workflow 'Raised' { run = function() error(tostring) end }\n"
                   "workflow 'Typed' { run = function()\n"
                   "  local err = ValueError 'x' err.message = {} error(err)\n"
                   "end }");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Told; open", 1));
    const char *told = completed(&answer)
                           ->commands[1]
                           ->fail_workflow_execution_command_attributes->failure->message;
    has(told, "function: #");
    has(told, "table: #");
    assert_null(strstr(told, "0x"));
    workflow_run_free(run);
    run = new_run();
    answer = work(run, poll("start Raised; open", 1));
    assert_string_equal(failed(&answer)->failure->message, "function: #1");
    workflow_run_free(run);
    run = new_run();
    answer = work(run, poll("start Typed; open", 1));
    assert_string_equal(completed(&answer)
                            ->commands[1]
                            ->fail_workflow_execution_command_attributes->failure->message,
                        "table: #1");
    workflow_run_free(run);
}

static void text_that_is_no_utf8_fails_the_task(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Raw' { run = function()\n"
                                      "  workflow.call('caf\\233')\n"
                                      "end }");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Raw; open", 1));
    has(failed(&answer)->failure->message, "workflows/t.lua:2");
    workflow_run_free(run);
}

static void what_a_workflow_must_not_touch_fails_the_task_with_the_line(void **state)
{
    static const char *const touches[] = {
        "io.open('/etc/passwd')", "http.get('x')",        "os.execute('ls')", "require('ffi')",
        "ffi.C.abort()",          "pg.query('select 1')", "debug.getinfo(1)", "load('\\27LJ\\2')",
        "require('cjson')",       "os.getenv('HOME')",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof touches / sizeof *touches; i++) {
        snprintf(text, sizeof text, "workflow 'Spy' { run = function()\n  %s\nend }", touches[i]);
        theatre_forget();
        theatre_script("workflows/t.lua", text);
        struct workflow_run *run = new_run();
        struct workflow_answer answer = work(run, poll("start Spy; open", 1));
        const Failed *f = failed(&answer);
        has(f->failure->message, "workflows/t.lua:2");
        assert_string_equal(f->failure->application_failure_info->type,
                            "RestrictedWorkflowAccessError");
        workflow_run_free(run);
    }
}

/* --- scripts that do not stop --- */

/* What is stopped by another limit passes that one first, on a slow machine too. */
enum { SLICE_MS = 200, LONG_SLICE_MS = 20000 };

static void stopped(const char *body, const char *reason)
{
    struct error err = {0};
    char text[1024];
    int slice_ms = strstr(reason, "TMPRL1101") ? SLICE_MS : LONG_SLICE_MS;

    theatre_forget();
    snprintf(text, sizeof text,
             "workflow 'Wild' { run = function()\n"
             "%s\n"
             "end }\n"
             "workflow 'Calm' { run = function() return workflow.call('x') end }",
             body);
    theatre_script("workflows/t.lua", text);
    assert_true(theatre_try_host(
        (struct workflow_options){.slice_ms = slice_ms, .instance_limit = 8 << 20}, &err));
    struct workflow_run *calm = new_run(), *wild = new_run();
    work(calm, poll("start Calm; open", 1));
    struct workflow_answer answer = work(wild, poll("start Wild; open", 1));
    has(failed(&answer)->failure->message, reason);
    workflow_run_free(wild);

    answer = work(calm, poll("start Calm; pinned; activity 1 x; done 1 5; open", 4));
    assert_true(answer.closes);
    workflow_run_free(calm);
}

static void a_loop_without_end_is_stopped_and_hurts_nobody(void **state)
{
    (void)state;
    stopped("while true do end", "[TMPRL1101] potential deadlock: workflows/t.lua:2: ");
    stopped("while true do pcall(function() while true do end end) end", "[TMPRL1101]");
    stopped("coroutine.wrap(function() while true do end end)()", "[TMPRL1101]");
    stopped("workflow.await(function() while true do end end)", "[TMPRL1101]");
    stopped("workflow.spawn(function() while true do end end) workflow.sleep(1)", "[TMPRL1101]");
}

static void a_bomb_of_memory_is_stopped_and_hurts_nobody(void **state)
{
    (void)state;
    stopped("local t = {} for i = 1, 1e9 do t[i] = { i } end",
            "workflows/t.lua:2: the run needed more than its 8388608 bytes of memory");
    stopped("local s = 'x' while true do pcall(function() s = s .. s end) end",
            "workflows/t.lua:2: the run needed more than its 8388608 bytes of memory");
}

static void a_bomb_of_patterns_is_stopped_and_hurts_nobody(void **state)
{
    (void)state;
    stopped("('a'):rep(40):find(('.-'):rep(20) .. 'b')", "workflows/t.lua:2: pattern too complex");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, theatre_open, theatre_close)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(nondeterminism_fails_the_task_with_its_own_cause),
        STORY(only_the_first_attempt_of_a_failing_task_is_told),
        STORY(a_mistake_shows_where_it_was_made),
        STORY(a_payload_over_the_limit_fails_the_task_before_the_server_sees_it),
        STORY(an_answer_over_the_limit_of_a_message_fails_the_task),
        STORY(an_error_text_that_is_no_utf8_is_told_as_far_as_it_is),
        STORY(an_id_that_is_taken_is_refused_where_it_is_given),
        STORY(an_id_that_is_free_again_may_be_given),
        STORY(no_text_of_the_library_shows_an_address),
        STORY(text_that_is_no_utf8_fails_the_task),
        STORY(what_a_workflow_must_not_touch_fails_the_task_with_the_line),
        STORY(a_loop_without_end_is_stopped_and_hurts_nobody),
        STORY(a_bomb_of_memory_is_stopped_and_hurts_nobody),
        STORY(a_bomb_of_patterns_is_stopped_and_hurts_nobody),
    };

    return RUN_STORIES("failed tasks", stories);
}

/* rpc.call as scripts see it, where no server is needed: what is refused before it is sent, and a
 * wait that is cancelled. What servers answer is told in tests/live/client_test.py. */
#include "story.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/mailbox.h"
#include "client/client.h"
#include "script/fiber.h"
#include "script/vm.h"

struct stage {
    struct vm *vm;
    struct fiber_host host;
    struct mailbox box; /* fibers that are ready */
};

static void ready(struct fiber_host *host, struct fiber *fiber)
{
    struct stage *stage = (struct stage *)((char *)host - offsetof(struct stage, host));
    mailbox_send(&stage->box, &fiber->letter);
}

static int open_stage(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    stage->vm = vm_new(VM_TOOL, 0);
    mailbox_init(&stage->box, NULL, NULL);
    stage->host.ready = ready;
    stage->host.slice_ms = 1000;
    fiber_host_open(&stage->host, stage->vm);
    vm_module(stage->vm, "client.native", client_open);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    client_close(vm_lua(stage->vm));
    vm_free(stage->vm);
    mailbox_release(&stage->box);
    free(stage);
    return 0;
}

static struct fiber *begin(struct stage *stage, const char *script)
{
    struct error err = {0};
    if (!vm_require(stage->vm, "rpc", &err))
        fail_msg("%s", err.text);
    vm_global(stage->vm, "rpc");
    if (!vm_load(stage->vm, SPAN("story.lua"), span_of(script), &err))
        fail_msg("%s", err.text);
    return fiber_new(&stage->host, 0);
}

/* What the script returned, as text; the story fails when it raised. */
static void assert_returns(struct stage *stage, const char *script, const char *expected)
{
    struct fiber *fiber = begin(stage, script);
    enum fiber_outcome outcome = fiber_run(fiber);
    if (outcome == FIBER_ERROR) {
        struct error err;
        vm_error(fiber->L, &err);
        fail_msg("%s", err.text);
    }
    assert_int_equal(outcome, FIBER_DONE);
    assert_string_equal(lua_tostring(fiber->L, -1), expected);
    fiber_free(fiber);
}

static void without_a_connection_nothing_can_be_called(void **state)
{
    assert_returns(*state,
                   "local ok, problem = pcall(rpc.call, 'GetSystemInfo', {})\n"
                   "return tostring(problem):match 'no server yet: rpc.connect comes first'",
                   "no server yet: rpc.connect comes first");
}

static void a_call_that_temporal_does_not_have_is_refused_by_name(void **state)
{
    assert_returns(*state,
                   "rpc.connect { address = '127.0.0.1:1' }\n"
                   "local ok, problem = pcall(rpc.call, 'StartWorkflow', {})\n"
                   "return tostring(problem)",
                   "ValueError: this build has no call StartWorkflow");
}

static void a_field_that_the_request_does_not_have_is_refused_by_path(void **state)
{
    assert_returns(*state,
                   "rpc.connect { address = '127.0.0.1:1' }\n"
                   "local ok, problem = pcall(rpc.call, 'StartWorkflowExecution', "
                   "{ task_queue = { nmae = 'q' } })\n"
                   "return problem.type .. ' ' .. (problem.message:match 'task_queue%.nmae' or "
                   "problem.message)",
                   "ValueError task_queue.nmae");
}

static void a_text_that_is_not_utf8_is_not_sent(void **state)
{
    assert_returns(*state,
                   "rpc.connect { address = '127.0.0.1:1' }\n"
                   "local ok, problem = pcall(rpc.call, 'DescribeNamespace', "
                   "{ namespace = '\\255' })\n"
                   "return problem.type .. ' ' .. (problem.message:match 'UTF%-8' or "
                   "problem.message)",
                   "ValueError UTF-8");
}

static void a_cancelled_wait_ends_at_once(void **state)
{
    struct stage *stage = *state;
    struct fiber *fiber = begin(stage, "rpc.connect { address = '127.0.0.1:1' }\n"
                                       "local ok, problem = pcall(rpc.call, 'GetSystemInfo', {})\n"
                                       "return problem.type");
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    fiber_cancel(fiber);
    assert_ptr_equal(mailbox_wait(&stage->box, -1), &fiber->letter);
    assert_int_equal(fiber_run(fiber), FIBER_DONE);
    assert_string_equal(lua_tostring(fiber->L, -1), "CancelledError");
    fiber_free(fiber);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(without_a_connection_nothing_can_be_called),
        STORY(a_call_that_temporal_does_not_have_is_refused_by_name),
        STORY(a_field_that_the_request_does_not_have_is_refused_by_path),
        STORY(a_text_that_is_not_utf8_is_not_sent),
        STORY(a_cancelled_wait_ends_at_once),
    };
    return RUN_STORIES("client", stories);
}

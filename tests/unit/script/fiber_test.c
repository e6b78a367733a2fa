/* Fibers: C suspends and resumes Lua, whichever thread an operation ends on. */
#include "story.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "script/fiber.h"

/* A host with one queue, and an operation that ends when the story says so. */
struct house {
    struct fiber_host host; /* first */
    struct mailbox ready;
    struct vm *vm;
    struct waiting *waiting; /* the operation under way */
    int released;
};

struct waiting {
    struct fiber_wait wait; /* first */
    struct house *house;
    bool interrupted;
};

static void ready(struct fiber_host *host, struct fiber *fiber)
{
    mailbox_send(&((struct house *)host)->ready, &fiber->letter);
}

static int deliver(struct fiber_wait *wait, lua_State *L)
{
    (void)wait;
    lua_pushboolean(L, true);
    lua_pushliteral(L, "the answer");
    return 2;
}

static void interrupt(struct fiber_wait *wait)
{
    ((struct waiting *)wait)->interrupted = true;
    fiber_wake(wait);
}

static void release(struct fiber_wait *wait)
{
    struct waiting *waiting = (struct waiting *)wait;
    waiting->house->released++;
    waiting->house->waiting = NULL;
    free(waiting);
}

static int ask(lua_State *L)
{
    struct house *house = lua_touserdata(L, lua_upvalueindex(1));
    struct fiber *fiber = fiber_current(L); /* raises where nothing can wait */
    struct waiting *waiting = memory_new(sizeof *waiting);
    waiting->wait = (struct fiber_wait){fiber, deliver, interrupt, release};
    waiting->house = house;
    house->waiting = waiting;
    return fiber_suspend(L, &waiting->wait);
}

static int open_house(void **state)
{
    struct house *house = memory_new(sizeof *house);
    house->vm = vm_new(VM_ACTIVITY, 0);
    mailbox_init(&house->ready, NULL, NULL);
    fiber_host_open(&house->host, house->vm);
    house->host.ready = ready;
    house->host.slice_ms = 10;
    lua_pushlightuserdata(vm_lua(house->vm), house);
    lua_pushcclosure(vm_lua(house->vm), ask, 1);
    vm_global(house->vm, "ask");
    *state = house;
    return 0;
}

static int close_house(void **state)
{
    struct house *house = *state;
    vm_free(house->vm);
    mailbox_release(&house->ready);
    free(house);
    return 0;
}

static struct fiber *make(struct house *house, const char *script)
{
    struct error err = {0};
    if (!vm_load(house->vm, SPAN("story.lua"), span_of(script), &err))
        fail_msg("%s", err.text);
    return fiber_new(&house->host, 0);
}

/* Runs it once more when it has been made ready. */
static enum fiber_outcome run_ready(struct house *house, struct fiber *fiber)
{
    struct letter *letter = mailbox_wait(&house->ready, clock_monotonic_ms() + 60000);
    assert_ptr_equal(letter, &fiber->letter);
    assert_null(letter->next);
    return fiber_run(fiber);
}

static void check_text(struct fiber *fiber, const char *text)
{
    assert_int_equal(lua_gettop(fiber->L), 1);
    assert_string_equal(lua_tostring(fiber->L, -1), text);
    fiber_free(fiber);
}

static void an_operation_gives_its_results_to_the_call(void **state)
{
    struct house *house = *state;
    struct fiber *fiber = make(house, "local ok, text = ask() return tostring(ok) .. ': ' .. text");
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    fiber_wake(&house->waiting->wait);
    assert_int_equal(run_ready(house, fiber), FIBER_DONE);
    assert_int_equal(house->released, 1);
    check_text(fiber, "true: the answer");
}

static void *wake_there(void *wait)
{
    fiber_wake(wait);
    return NULL;
}

static void an_operation_may_end_on_another_thread(void **state)
{
    struct house *house = *state;
    struct fiber *fiber = make(house, "return (select(2, ask()))");
    pthread_t thread;
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    pthread_create(&thread, NULL, wake_there, &house->waiting->wait);
    assert_int_equal(run_ready(house, fiber), FIBER_DONE);
    pthread_join(thread, NULL);
    check_text(fiber, "the answer");
}

static void a_coroutine_of_the_script_may_wait(void **state)
{
    struct house *house = *state;
    struct fiber *fiber =
        make(house, "local co = coroutine.wrap(function()\n"
                    "  coroutine.yield('first') coroutine.yield((select(2, ask()))) end)\n"
                    "return co() .. ', ' .. co()");
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    fiber_wake(&house->waiting->wait);
    assert_int_equal(run_ready(house, fiber), FIBER_DONE);
    check_text(fiber, "first, the answer");
}

static void a_cancelled_wait_returns_false_once(void **state)
{
    struct house *house = *state;
    struct fiber *fiber =
        make(house, "local a, b = ask() local c, d = ask()\n"
                    "return table.concat({ tostring(a), tostring(b), tostring(c), d }, ' ')");
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    fiber_cancel(fiber);
    assert_int_equal(run_ready(house, fiber), FIBER_WAITING);
    fiber_wake(&house->waiting->wait);
    assert_int_equal(run_ready(house, fiber), FIBER_DONE);
    check_text(fiber, "false nil true the answer");
}

static void a_fiber_cancelled_before_it_waits_is_so_when_it_does(void **state)
{
    struct house *house = *state;
    struct fiber *fiber = make(house, "return tostring(ask())");
    fiber_cancel(fiber);
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    assert_true(house->waiting->interrupted);
    assert_int_equal(run_ready(house, fiber), FIBER_DONE);
    check_text(fiber, "false");
}

static void an_answer_that_came_before_the_cancellation_is_kept(void **state)
{
    struct house *house = *state;
    struct fiber *fiber = make(house, "local a, b = ask() return b .. tostring(ask())");
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    fiber_wake(&house->waiting->wait);
    fiber_cancel(fiber);
    assert_false(house->waiting->interrupted);
    assert_int_equal(run_ready(house, fiber), FIBER_WAITING);
    assert_int_equal(run_ready(house, fiber), FIBER_DONE);
    check_text(fiber, "the answerfalse");
}

static void a_killed_fiber_never_runs_again(void **state)
{
    struct house *house = *state;
    struct fiber *fiber = make(house, "while true do pcall(ask) end");
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    fiber_kill(fiber);
    assert_int_equal(run_ready(house, fiber), FIBER_KILLED);
    assert_int_equal(house->released, 1);
    fiber_free(fiber);
}

static void a_fiber_that_calculates_is_preempted_and_goes_on(void **state)
{
    struct house *house = *state;
    struct fiber *fiber =
        make(house, "local n = 0 for i = 1, 5e6 do n = n + i end return ('%.0f'):format(n)");
    int slices = 1;
    enum fiber_outcome outcome;
    while ((outcome = fiber_run(fiber)) == FIBER_PREEMPTED)
        slices++;
    assert_int_equal(outcome, FIBER_DONE);
    assert_true(slices > 1);
    check_text(fiber, "12500002500000");
}

static void an_error_is_left_on_the_stack(void **state)
{
    struct house *house = *state;
    struct fiber *fiber = make(house, "ask() error('no', 0)");
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    fiber_wake(&house->waiting->wait);
    assert_int_equal(run_ready(house, fiber), FIBER_ERROR);
    assert_string_equal(lua_tostring(fiber->L, -1), "no");
    fiber_free(fiber);
}

static void the_top_level_cannot_wait(void **state)
{
    struct house *house = *state;
    struct error err = {0};
    assert_true(vm_load(house->vm, SPAN("story.lua"), SPAN("ask()"), &err));
    assert_int_equal(lua_pcall(vm_lua(house->vm), 0, 0, 0), LUA_ERRRUN);
    assert_non_null(
        strstr(lua_tostring(vm_lua(house->vm), -1), "story.lua:1: this call has to wait"));
    lua_pop(vm_lua(house->vm), 1);
}

static void a_fiber_is_charged_for_what_it_holds(void **state)
{
    struct house *house = *state;
    struct vm_account *account = vm_account_new(1 << 20);
    struct fiber *fiber = make(house, "ask() local t = {} for i = 1, 1e6 do t[i] = i end");
    fiber->account = account;
    assert_int_equal(fiber_run(fiber), FIBER_WAITING);
    fiber_wake(&house->waiting->wait);
    assert_int_equal(run_ready(house, fiber), FIBER_OUT_OF_MEMORY);
    fiber_free(fiber);
    vm_account_free(account);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test_setup_teardown(an_operation_gives_its_results_to_the_call, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(an_operation_may_end_on_another_thread, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(a_coroutine_of_the_script_may_wait, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(a_cancelled_wait_returns_false_once, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(a_fiber_cancelled_before_it_waits_is_so_when_it_does,
                                        open_house, close_house),
        cmocka_unit_test_setup_teardown(an_answer_that_came_before_the_cancellation_is_kept,
                                        open_house, close_house),
        cmocka_unit_test_setup_teardown(a_killed_fiber_never_runs_again, open_house, close_house),
        cmocka_unit_test_setup_teardown(a_fiber_that_calculates_is_preempted_and_goes_on,
                                        open_house, close_house),
        cmocka_unit_test_setup_teardown(an_error_is_left_on_the_stack, open_house, close_house),
        cmocka_unit_test_setup_teardown(the_top_level_cannot_wait, open_house, close_house),
        cmocka_unit_test_setup_teardown(a_fiber_is_charged_for_what_it_holds, open_house,
                                        close_house),
    };
    return RUN_STORIES("fibers", stories);
}

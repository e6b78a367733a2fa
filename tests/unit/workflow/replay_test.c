/* What scripts do with what history says, told as replays in all three ways. */
#include "story.h"

#include "workflow/theatre.h"

/* --- activities --- */

static void an_activity_is_called_and_its_result_returned(void **state)
{
    (void)state;
    theatre_replays("workflow 'Hello' { run = function(name)\n"
                    "  return { said = workflow.call('greet', name) }\n"
                    "end }",
                    "start Hello 'Ann'; task; activity 1 greet; done 1 'hi Ann'; task;"
                    "complete {'said':'hi Ann'}");
}

static void activities_started_together_are_waited_for_in_any_order(void **state)
{
    (void)state;
    theatre_replays("workflow 'Both' { run = function()\n"
                    "  local a, b = workflow.start('a'), workflow.start('b')\n"
                    "  local first = workflow.wait_any { a, b }\n"
                    "  local all = workflow.wait_all { a, b }\n"
                    "  return { first, all[1], all[2] }\n"
                    "end }",
                    "start Both; task; activity 1 a; activity 2 b; done 2 'B'; task; done 1 'A';"
                    "task; complete [2,'A','B']");
}

static void a_failed_activity_raises_an_error_whose_cause_keeps_its_type(void **state)
{
    (void)state;
    theatre_replays("workflow 'Careful' { run = function()\n"
                    "  local ok, err = pcall(workflow.call, 'load')\n"
                    "  return { ok, err.type, err.cause.type, err.cause.message, err.retry_state,\n"
                    "    err.activity_type }\n"
                    "end }",
                    "start Careful; task; activity 1 load; broke 1 ValueError no such day; task;"
                    "complete [false,'ActivityError','ValueError','no such day',"
                    "'maximum_attempts_reached','load']");
}

static void an_activity_that_timed_out_says_which_timeout_it_was(void **state)
{
    (void)state;
    theatre_replays("workflow 'Slow' { run = function()\n"
                    "  local _, err = pcall(workflow.call, 'load')\n"
                    "  return { err.cause.type, err.cause.timeout_type }\n"
                    "end }",
                    "start Slow; task; activity 1 load; late 1; task;"
                    "complete ['TimeoutError','start_to_close']");
}

static void an_error_that_nobody_catches_fails_the_workflow(void **state)
{
    (void)state;
    theatre_replays("workflow 'Fails' { run = function() workflow.call('load') end }",
                    "start Fails; task; activity 1 load; broke 1 ValueError x; task; fail");
}

/* --- timers and conditions --- */

static void a_sleep_ends_when_its_timer_fires(void **state)
{
    (void)state;
    theatre_replays("workflow 'Nap' { run = function()\n"
                    "  local before = workflow.now()\n"
                    "  workflow.sleep('5s')\n"
                    "  workflow.sleep(0)\n"
                    "  return workflow.now() - before\n"
                    "end }",
                    "start Nap; task; timer 1; fired 1; task; complete 5");
}

static void a_condition_ends_a_wait_and_stops_its_timer(void **state)
{
    (void)state;
    theatre_replays("workflow 'Wait' { run = function()\n"
                    "  local ready = false\n"
                    "  workflow.on_signal('go', function() ready = true end)\n"
                    "  local met = workflow.await(function() return ready end, '1m')\n"
                    "  return met\n"
                    "end }",
                    "start Wait; task; timer 1; signal go; task; stopped 1; complete true");
}

static void a_wait_that_takes_too_long_returns_false(void **state)
{
    (void)state;
    theatre_replays("workflow 'Wait' { run = function()\n"
                    "  return workflow.await(function() return false end, '1m')\n"
                    "end }",
                    "start Wait; task; timer 1; fired 1; task; complete false");
}

static void a_condition_that_holds_at_once_starts_no_timer(void **state)
{
    (void)state;
    theatre_replays("workflow 'Wait' { run = function()\n"
                    "  return workflow.await(function() return true end, '1m')\n"
                    "end }",
                    "start Wait; task; complete true");
}

/* --- signals --- */

static void signals_run_their_handlers_in_the_order_of_arrival(void **state)
{
    (void)state;
    theatre_replays("local seen = {}\n"
                    "workflow 'Listen' { run = function()\n"
                    "  workflow.await(function() return #seen == 3 end)\n"
                    "  return table.concat(seen, ',')\n"
                    "end, signals = { add = function(x) seen[#seen + 1] = x end } }",
                    "start Listen; signal add 'a'; task; signal add 'b'; signal add 'c'; task;"
                    "complete 'a,b,c'");
}

static void a_signal_without_a_handler_waits_until_it_is_wanted(void **state)
{
    (void)state;
    theatre_replays("workflow 'Late' { run = function()\n"
                    "  workflow.sleep('1s')\n"
                    "  local got = {}\n"
                    "  workflow.on_signal('b', function(x) got[#got + 1] = x end)\n"
                    "  local inbox = workflow.signal('a')\n"
                    "  got[#got + 1] = inbox:receive()\n"
                    "  got[#got + 1] = inbox:receive()\n"
                    "  local none, received = inbox:receive('1s')\n"
                    "  return { got[1], got[2], got[3], got[4], none == nil, received }\n"
                    "end }",
                    "start Late; signal a 1; signal b 2; task; timer 1; signal b 3; signal a 4;"
                    "fired 1; task; timer 2; fired 2; task; complete [1,4,2,3,true,false]");
}

static void a_signal_before_the_first_slice_finds_the_handler_of_that_slice(void **state)
{
    (void)state;
    theatre_replays("workflow 'Early' { run = function()\n"
                    "  local x\n"
                    "  workflow.on_signal('go', function(v) x = v end)\n"
                    "  workflow.await(function() return x end)\n"
                    "  return x\n"
                    "end }",
                    "start Early; signal go 'now'; task; complete 'now'");
}

/* --- fibers --- */

static void spawned_functions_run_beside_main_and_give_their_results(void **state)
{
    (void)state;
    theatre_replays("workflow 'Fan' { run = function()\n"
                    "  local futures = {}\n"
                    "  for i = 1, 3 do\n"
                    "    futures[i] = workflow.spawn(function(n)\n"
                    "      return workflow.call('double', n) + n end, i)\n"
                    "  end\n"
                    "  local all = workflow.wait_all(futures)\n"
                    "  return all[1] + all[2] + all[3]\n"
                    "end }",
                    "start Fan; task; activity 1 double; activity 2 double; activity 3 double;"
                    "done 3 6; done 1 2; task; done 2 4; task; complete 18");
}

static void who_waits_first_goes_on_first(void **state)
{
    (void)state;
    theatre_replays("workflow 'Queue' { run = function()\n"
                    "  local f, order, done = workflow.start('x'), {}, 0\n"
                    "  local function waits(name, wait)\n"
                    "    workflow.spawn(function()\n"
                    "      wait()\n"
                    "      order[#order + 1] = name\n"
                    "      done = done + 1\n"
                    "    end)\n"
                    "  end\n"
                    "  waits('any', function() workflow.wait_any { f } end)\n"
                    "  waits('one', function() f:wait() end)\n"
                    "  waits('all', function() workflow.wait_all { f } end)\n"
                    "  waits('two', function() f:wait() end)\n"
                    "  workflow.await(function() return done == 4 end)\n"
                    "  return order\n"
                    "end }",
                    "start Queue; task; activity 1 x; done 1; task;"
                    "complete ['any','one','all','two']");
}

static void a_coroutine_of_the_script_may_wait_too(void **state)
{
    (void)state;
    theatre_replays("workflow 'Inner' { run = function()\n"
                    "  local next_value = coroutine.wrap(function()\n"
                    "    for i = 1, 2 do coroutine.yield(workflow.call('step', i)) end\n"
                    "  end)\n"
                    "  return next_value() .. next_value()\n"
                    "end }",
                    "start Inner; task; activity 1 step; done 1 'a'; task; activity 2 step;"
                    "done 2 'b'; task; complete 'ab'");
}

static void json_is_there_for_workflows_and_each_run_has_its_own(void **state)
{
    (void)state;
    theatre_replays("local codec = require 'json'\n"
                    "workflow 'Text' { run = function()\n"
                    "  local text = json.encode { b = 1, a = { 2, json.null } }\n"
                    "  rawset(json, 'encode', function() return 'mine' end)\n"
                    "  return { text, codec.decode(text).a[1], json.encode(1) }\n"
                    "end }",
                    "start Text; task; complete ['{\\\"a\\\":[2,null],\\\"b\\\":1}',2,'mine']");
}

/* --- cancellation --- */

static void cancelling_the_workflow_raises_in_main_which_may_clean_up(void **state)
{
    (void)state;
    theatre_replays("workflow 'Tidy' { run = function()\n"
                    "  local ok, err = pcall(workflow.sleep, '1h')\n"
                    "  if ok or err.type ~= 'CancelledError' then return 'wrong' end\n"
                    "  workflow.shield(function() workflow.call('tidy') end)\n"
                    "  error(err)\n"
                    "end }",
                    "start Tidy; task; timer 1; cancel; task; stopped 1; activity 1 tidy; done 1;"
                    "task; cancelled");
}

static void a_cancelled_activity_that_only_tries_ends_at_once(void **state)
{
    (void)state;
    theatre_replays("workflow 'Try' { run = function()\n"
                    "  local a = workflow.start('long')\n"
                    "  workflow.sleep('1s')\n"
                    "  a:cancel()\n"
                    "  local ok, err = pcall(a.wait, a)\n"
                    "  return { ok, err.type, err.cause.type }\n"
                    "end }",
                    "start Try; task; activity 1 long; timer 1; fired 1; task; revoke 1;"
                    "complete [false,'ActivityError','CancelledError']");
}

static void a_cancelled_activity_that_waits_has_the_last_word(void **state)
{
    (void)state;
    theatre_replays("workflow 'Wait' { run = function()\n"
                    "  local ok, err = pcall(workflow.call, 'long', nil, { cancel = 'wait' })\n"
                    "  return { ok, err.cause.type }\n"
                    "end }",
                    "start Wait; task; activity 1 long; began 1; cancel; task; revoke 1; revoked 1;"
                    "task; complete [false,'CancelledError']");
}

static void waiting_for_several_that_are_cancelled_has_their_last_word_too(void **state)
{
    (void)state;
    theatre_replays("workflow 'All' { run = function()\n"
                    "  local a = workflow.start('x', nil, { cancel = 'wait' })\n"
                    "  local b = workflow.start('y', nil, { cancel = 'wait' })\n"
                    "  local ok, err = pcall(workflow.wait_all, { a, b })\n"
                    "  return { ok, err.type, err.activity_type }\n"
                    "end }",
                    "start All; task; activity 1 x; activity 2 y; began 1; began 2; cancel; task;"
                    "revoke 1; revoke 2; revoked 2; task; complete [false,'ActivityError','y']");
}

static void cancelling_the_workflow_reaches_into_a_timeout(void **state)
{
    (void)state;
    theatre_replays("workflow 'Limit' { run = function()\n"
                    "  workflow.timeout('10s', function() workflow.sleep('1h') end)\n"
                    "end }",
                    "start Limit; task; timer 1; timer 2; cancel; task; stopped 1; stopped 2;"
                    "cancelled");
}

static void cancelling_what_nobody_asked_to_cancel_fails_the_workflow(void **state)
{
    (void)state;
    theatre_replays("workflow 'Own' { run = function()\n"
                    "  workflow.scope(function(scope) scope:cancel() workflow.sleep('1h') end)\n"
                    "end }",
                    "start Own; task; fail");
}

static void a_scope_is_cancelled_without_its_surroundings(void **state)
{
    (void)state;
    theatre_replays("workflow 'Scoped' { run = function()\n"
                    "  local ok, err = pcall(workflow.scope, function(scope)\n"
                    "    workflow.spawn(function() workflow.sleep('1s') scope:cancel('late') end)\n"
                    "    workflow.call('long', nil, { cancel = 'abandon' })\n"
                    "  end)\n"
                    "  return { ok, err.type, workflow.call('after') }\n"
                    "end }",
                    "start Scoped; task; activity 1 long; timer 1; fired 1; task; activity 2 after;"
                    "done 2 'fine'; task; complete [false,'ActivityError','fine']");
}

static void a_timeout_cancels_what_it_surrounds(void **state)
{
    (void)state;
    theatre_replays("workflow 'Limit' { run = function()\n"
                    "  local ok, err = pcall(workflow.timeout, '10s', function()\n"
                    "    workflow.call('long')\n"
                    "  end)\n"
                    "  return { ok, err.type }\n"
                    "end }",
                    "start Limit; task; timer 1; activity 1 long; fired 1; task; revoke 1;"
                    "complete [false,'TimeoutError']");
}

static void a_timeout_that_is_not_needed_stops_its_timer(void **state)
{
    (void)state;
    theatre_replays("workflow 'Limit' { run = function()\n"
                    "  return workflow.timeout('10s', function() return workflow.call('x') end)\n"
                    "end }",
                    "start Limit; task; timer 1; activity 1 x; done 1 7; task; stopped 1;"
                    "complete 7");
}

static void a_result_that_comes_with_the_cancellation_is_not_lost(void **state)
{
    (void)state;
    theatre_replays("workflow 'Close' { run = function()\n"
                    "  local got = workflow.call('x')\n"
                    "  return { got, workflow.cancelled() }\n"
                    "end }",
                    "start Close; task; activity 1 x; cancel; done 1 7; task; complete [7,true]");
}

static void what_begins_and_is_cancelled_at_once_leaves_no_event(void **state)
{
    (void)state;
    theatre_replays("workflow 'Hasty' { run = function()\n"
                    "  local t, a = workflow.timer('1s'), workflow.start('x')\n"
                    "  t:cancel() a:cancel()\n"
                    "  local ok, err = pcall(a.wait, a)\n"
                    "  return { t:done(), ok, err.cause.type }\n"
                    "end }",
                    "start Hasty; task; complete [true,false,'CancelledError']");
}

/* --- ends --- */

static void the_first_of_two_endings_counts(void **state)
{
    (void)state;
    theatre_replays("workflow 'Race' { run = function()\n"
                    "  local over = false\n"
                    "  workflow.on_signal('fail', function()\n"
                    "    workflow.await(function() return over end)\n"
                    "    error(ValueError('too late'))\n"
                    "  end)\n"
                    "  workflow.sleep('1s')\n"
                    "  over = true\n"
                    "  return 'first'\n"
                    "end }",
                    "start Race; task; timer 1; signal fail; fired 1; task; complete 'first'");
}

static void null_is_no_value(void **state)
{
    (void)state;
    theatre_replays("workflow 'Null' { run = function(x) return { x == nil } end }",
                    "start Null null; task; complete [true]");
}

static void unknown_events_are_passed_over_when_the_server_allows_it(void **state)
{
    (void)state;
    theatre_replays("workflow 'Nap' { run = function() workflow.sleep('5s') end }",
                    "start Nap; strange ignorable; task; timer 1; fired 1; strange ignorable; task;"
                    "complete");
    theatre_refuses("workflow 'Nap' { run = function() workflow.sleep('5s') end }",
                    "start Nap; task; timer 1; strange; fired 1; task; complete", ERROR_MALFORMED,
                    "EventType250");
}

static void continue_as_new_never_returns_even_inside_pcall(void **state)
{
    (void)state;
    theatre_replays("workflow 'Again' { run = function(n)\n"
                    "  pcall(function() workflow.continue_as_new(n + 1) end)\n"
                    "  workflow.call('never')\n"
                    "end }",
                    "start Again 1; task; renew");
}

static void failed_and_lost_tasks_leave_no_trace(void **state)
{
    (void)state;
    theatre_replays("workflow 'Nap' { run = function()\n"
                    "  workflow.sleep('5s') return 'up'\n"
                    "end }",
                    "start Nap; failed; lost; task; timer 1; fired 1; lost; task; complete 'up'");
}

static void random_numbers_change_after_a_reset_and_not_before(void **state)
{
    (void)state;
    theatre_replays("workflow 'Dice' { run = function()\n"
                    "  local a = workflow.random()\n"
                    "  workflow.sleep('1s')\n"
                    "  local b = workflow.uuid()\n"
                    "  return a ~= workflow.random() and #b == 36\n"
                    "end }",
                    "start Dice; task; timer 1; reset other; fired 1; task; complete true");
}

/* --- what is refused --- */

static void another_activity_than_history_has_is_nondeterminism(void **state)
{
    (void)state;
    theatre_refuses("workflow 'Hello' { run = function()\n"
                    "  workflow.call('greet')\n"
                    "end }",
                    "start Hello; task; activity 1 hello; done 1; task; complete null",
                    ERROR_HISTORY,
                    "[TMPRL1100] nondeterminism at event 5: history has ActivityTaskScheduled "
                    "'hello' (id 1), the script asked for activity 'greet' (id 1) at "
                    "workflows/t.lua:2");
}

static void activities_in_another_order_are_nondeterminism(void **state)
{
    (void)state;
    theatre_refuses(
        "workflow 'Swap' { run = function()\n"
        "  local b = workflow.start('b')\n"
        "  local a = workflow.start('a')\n"
        "  workflow.wait_all { a, b }\n"
        "end }",
        "start Swap; task; activity 1 a; activity 2 b; done 1; done 2; task; complete",
        ERROR_HISTORY,
        "at event 5: history has ActivityTaskScheduled 'a' (id 1), the script asked for "
        "activity 'b' (id 1) at workflows/t.lua:2");
}

static void more_than_history_has_is_nondeterminism(void **state)
{
    (void)state;
    theatre_refuses("workflow 'More' { run = function()\n"
                    "  local a = workflow.start('a')\n"
                    "  local b = workflow.start('b')\n"
                    "  a:wait()\n"
                    "end }",
                    "start More; task; activity 1 a; done 1; task; complete", ERROR_HISTORY,
                    "the script asked for activity 'b' (id 2) at workflows/t.lua:3");
}

static void a_missing_activity_is_nondeterminism(void **state)
{
    (void)state;
    theatre_refuses("workflow 'Hello' { run = function() return 1 end }",
                    "start Hello; task; activity 1 hello; done 1; task; complete 1", ERROR_HISTORY,
                    "the script asked for completing the workflow");
}

static void a_mistake_in_the_code_fails_the_task_and_not_the_workflow(void **state)
{
    (void)state;
    theatre_refuses("workflow 'Oops' { run = function()\n"
                    "  local t = nil\n"
                    "  return t.x\n"
                    "end }",
                    "start Oops; task; complete 1", ERROR_SCRIPT,
                    "workflows/t.lua:3: attempt to index local 't' (a nil value)");
}

static void a_mistake_in_a_spawned_function_fails_the_task_at_once(void **state)
{
    (void)state;
    theatre_refuses("workflow 'Oops' { run = function()\n"
                    "  workflow.spawn(function() error('bad') end)\n"
                    "  workflow.sleep('1s')\n"
                    "end }",
                    "start Oops; task; timer 1; fired 1; task; complete null", ERROR_SCRIPT,
                    "workflows/t.lua:2: bad");
}

static void an_unknown_option_is_named_with_the_nearest_one(void **state)
{
    (void)state;
    theatre_refuses("workflow 'Typo' { run = function()\n"
                    "  workflow.call('x', 1, { start_to_clos = '5s' })\n"
                    "end }",
                    "start Typo; task; activity 1 x", ERROR_SCRIPT, "start_to_close");
}

static void a_condition_must_only_read(void **state)
{
    (void)state;
    theatre_refuses("workflow 'Sly' { run = function()\n"
                    "  workflow.await(function() return workflow.call('x') end)\n"
                    "end }",
                    "start Sly; task; activity 1 x", ERROR_SCRIPT,
                    "workflow.call cannot be called in a condition of workflow.await");
}

static void an_unknown_workflow_is_refused_with_those_that_are_known(void **state)
{
    (void)state;
    theatre_refuses("workflow 'A' { run = function() end }\n"
                    "workflow 'B' { run = function() end }",
                    "start C; task; complete 1", ERROR_SCRIPT,
                    "no script defines the workflow \"C\"; this worker has A, B");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, theatre_open, theatre_close)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(an_activity_is_called_and_its_result_returned),
        STORY(activities_started_together_are_waited_for_in_any_order),
        STORY(a_failed_activity_raises_an_error_whose_cause_keeps_its_type),
        STORY(an_activity_that_timed_out_says_which_timeout_it_was),
        STORY(an_error_that_nobody_catches_fails_the_workflow),
        STORY(a_sleep_ends_when_its_timer_fires),
        STORY(a_condition_ends_a_wait_and_stops_its_timer),
        STORY(a_wait_that_takes_too_long_returns_false),
        STORY(a_condition_that_holds_at_once_starts_no_timer),
        STORY(signals_run_their_handlers_in_the_order_of_arrival),
        STORY(a_signal_without_a_handler_waits_until_it_is_wanted),
        STORY(a_signal_before_the_first_slice_finds_the_handler_of_that_slice),
        STORY(spawned_functions_run_beside_main_and_give_their_results),
        STORY(who_waits_first_goes_on_first),
        STORY(a_coroutine_of_the_script_may_wait_too),
        STORY(json_is_there_for_workflows_and_each_run_has_its_own),
        STORY(cancelling_the_workflow_raises_in_main_which_may_clean_up),
        STORY(a_cancelled_activity_that_only_tries_ends_at_once),
        STORY(a_cancelled_activity_that_waits_has_the_last_word),
        STORY(waiting_for_several_that_are_cancelled_has_their_last_word_too),
        STORY(cancelling_the_workflow_reaches_into_a_timeout),
        STORY(cancelling_what_nobody_asked_to_cancel_fails_the_workflow),
        STORY(the_first_of_two_endings_counts),
        STORY(null_is_no_value),
        STORY(unknown_events_are_passed_over_when_the_server_allows_it),
        STORY(a_scope_is_cancelled_without_its_surroundings),
        STORY(a_timeout_cancels_what_it_surrounds),
        STORY(a_timeout_that_is_not_needed_stops_its_timer),
        STORY(a_result_that_comes_with_the_cancellation_is_not_lost),
        STORY(what_begins_and_is_cancelled_at_once_leaves_no_event),
        STORY(continue_as_new_never_returns_even_inside_pcall),
        STORY(failed_and_lost_tasks_leave_no_trace),
        STORY(random_numbers_change_after_a_reset_and_not_before),
        STORY(another_activity_than_history_has_is_nondeterminism),
        STORY(activities_in_another_order_are_nondeterminism),
        STORY(more_than_history_has_is_nondeterminism),
        STORY(a_missing_activity_is_nondeterminism),
        STORY(a_mistake_in_the_code_fails_the_task_and_not_the_workflow),
        STORY(a_mistake_in_a_spawned_function_fails_the_task_at_once),
        STORY(an_unknown_option_is_named_with_the_nearest_one),
        STORY(a_condition_must_only_read),
        STORY(an_unknown_workflow_is_refused_with_those_that_are_known),
    };

    return RUN_STORIES("replay", stories);
}

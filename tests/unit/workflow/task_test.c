/* Tasks as a server hands them out, and what it hears. */
#include "story.h"

#include "core/event.h"
#include "workflow/desk.h"

static const char *const nap = "workflow 'Nap' { run = function()\n"
                               "  workflow.sleep('5s')\n"
                               "  return workflow.call('wake')\n"
                               "end, queries = { state = function(n) return { 'fine', n } end } }";
static const char *const nap_words =
    "start Nap; task; timer 1; fired 1; task; activity 1 wake; done 1 'up'; open";

/* --- completions --- */

static void a_completion_says_who_we_are_once(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Nap; open", 1));
    const Completed *c = completed(&answer);

    assert_int_equal(c->n_commands, 2);
    assert_int_equal(c->commands[0]->command_type, COMMAND_RECORD_MARKER);
    assert_int_equal(c->commands[1]->command_type, COMMAND_START_TIMER);
    assert_int_equal(c->commands[1]->start_timer_command_attributes->start_to_fire_timeout->seconds,
                     5);
    assert_memory_equal(c->task_token.data, "token", 5);
    assert_string_equal(c->identity, "tester");
    assert_string_equal(c->namespace_, "default");
    assert_null(c->sticky_attributes);
    assert_true(c->capabilities->discard_speculative_workflow_task_with_events);
    assert_string_equal(c->sdk_metadata->sdk_name, "temporal-lua");
    assert_int_equal(c->sdk_metadata->n_lang_used_flags, 1);
    assert_false(answer.closes);

    answer = work(run, poll("start Nap; pinned; timer 1; fired 1; open", 4));
    c = completed(&answer);
    assert_int_equal(c->commands[0]->command_type, COMMAND_SCHEDULE_ACTIVITY);
    assert_string_equal(
        c->commands[0]->schedule_activity_task_command_attributes->activity_type->name, "wake");
    workflow_run_free(run);
}

static void options_of_an_activity_reach_the_server(void **state)
{
    (void)state;
    theatre_script(
        "workflows/t.lua",
        "workflow 'Full' { run = function()\n"
        "  workflow.call('x', nil, { start_to_close = '1m30s', heartbeat = 5, id = 'mine',\n"
        "    schedule_to_close = '1h', schedule_to_start = '500ms', task_queue = 'other',\n"
        "    summary = 'why', args = { 1, nil, 'three', n = 3 },\n"
        "    retry = { initial = '2s', factor = 1.5, max = '1m', attempts = 0,\n"
        "      never = { 'A' } } })\n"
        "end }");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Full; open", 1));
    const Tpb__Command__Command *c = completed(&answer)->commands[1];
    const Tpb__Command__ScheduleActivityTaskCommandAttributes *a =
        c->schedule_activity_task_command_attributes;

    assert_string_equal(a->activity_id, "mine");
    assert_string_equal(a->task_queue->name, "other");
    assert_int_equal(a->start_to_close_timeout->seconds, 90);
    assert_int_equal(a->schedule_to_close_timeout->seconds, 3600);
    assert_int_equal(a->schedule_to_start_timeout->nanos, 500000000);
    assert_int_equal(a->heartbeat_timeout->seconds, 5);
    assert_int_equal(a->input->n_payloads, 3);
    assert_int_equal(a->input->payloads[1]->data.len, 0);
    assert_int_equal(a->retry_policy->initial_interval->seconds, 2);
    assert_true(a->retry_policy->backoff_coefficient == 1.5);
    assert_int_equal(a->retry_policy->maximum_attempts, 0);
    assert_int_equal(a->retry_policy->n_non_retryable_error_types, 1);
    assert_memory_equal(c->user_metadata->summary->data.data, "\"why\"", 5);
    workflow_run_free(run);
}

static void without_options_an_activity_has_the_default_policy(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Bare' { run = function()\n"
                                      "  workflow.call('x')\n"
                                      "end }");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Bare; open", 1));
    const Tpb__Command__ScheduleActivityTaskCommandAttributes *a =
        completed(&answer)->commands[1]->schedule_activity_task_command_attributes;

    assert_string_equal(a->activity_id, "1");
    assert_string_equal(a->task_queue->name, "theatre");
    assert_null(a->input);
    assert_int_equal(a->start_to_close_timeout->seconds, 600);
    assert_int_equal(a->retry_policy->initial_interval->seconds, 1);
    assert_int_equal(a->retry_policy->maximum_interval->seconds, 300);
    assert_int_equal(a->retry_policy->maximum_attempts, 5);
    assert_string_equal(a->retry_policy->non_retryable_error_types[0], "ValueError");
    assert_string_equal(a->retry_policy->non_retryable_error_types[1], "KeyError");
    workflow_run_free(run);
}

static void a_failing_workflow_tells_the_server_what_failed_and_why(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Fails' { run = function()\n"
                                      "  workflow.call('load')\n"
                                      "end }");
    struct workflow_run *run = new_run();
    struct workflow_answer answer =
        work(run, poll("start Fails; task; activity 1 load; broke 1 ValueError no day; open", 1));
    const Tpb__Failure__Failure *f =
        completed(&answer)->commands[0]->fail_workflow_execution_command_attributes->failure;

    assert_string_equal(answer.outcome, "failed");
    assert_string_equal(f->message, "Activity task failed");
    assert_string_equal(f->source, "LuaSDK");
    assert_int_equal(f->activity_failure_info->scheduled_event_id, 5);
    assert_int_equal(f->activity_failure_info->started_event_id, 6);
    assert_string_equal(f->activity_failure_info->activity_type->name, "load");
    assert_string_equal(f->cause->message, "no day");
    assert_string_equal(f->cause->application_failure_info->type, "ValueError");
    workflow_run_free(run);
}

static void a_typed_error_of_the_script_keeps_its_fields_and_its_stack(void **state)
{
    (void)state;
    theatre_script(
        "workflows/t.lua",
        "workflow 'Fails' { run = function()\n"
        "  error(ApplicationError { type = 'OutOfStock', message = 'none left',\n"
        "    non_retryable = true, details = { sku = 7 }, cause = ValueError('deep') })\n"
        "end }");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Fails; open", 1));
    const Tpb__Failure__Failure *f =
        completed(&answer)->commands[1]->fail_workflow_execution_command_attributes->failure;

    assert_string_equal(f->message, "none left");
    assert_string_equal(f->application_failure_info->type, "OutOfStock");
    assert_true(f->application_failure_info->non_retryable);
    assert_string_equal(text_of(f->application_failure_info->details), "{\"sku\":7}");
    assert_string_equal(f->cause->application_failure_info->type, "ValueError");
    has(f->stack_trace, "workflows/t.lua:2");
    workflow_run_free(run);
}

static void a_closing_completion_says_how_the_run_ended(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll(nap_words, 1));
    const Completed *c = completed(&answer);

    assert_int_equal(c->n_commands, 1);
    assert_string_equal(
        text_of(c->commands[0]->complete_workflow_execution_command_attributes->result), "\"up\"");
    assert_true(answer.closes);
    assert_string_equal(answer.outcome, "completed");
    assert_false(answer.evict);
    workflow_run_free(run);
}

static void a_sticky_worker_names_its_own_queue(void **state)
{
    struct error err = {0};

    (void)state;
    theatre_script("workflows/t.lua", nap);
    assert_true(theatre_try_host(
        (struct workflow_options){.sticky_queue = "mine", .sticky_timeout_ms = 10500}, &err));
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Nap; open", 1));
    const Tpb__Taskqueue__StickyExecutionAttributes *s = completed(&answer)->sticky_attributes;

    assert_string_equal(s->worker_task_queue->name, "mine");
    assert_string_equal(s->worker_task_queue->normal_name, "theatre");
    assert_int_equal(s->worker_task_queue->kind, 2);
    assert_int_equal(s->schedule_to_start_timeout->seconds, 10);
    assert_int_equal(s->schedule_to_start_timeout->nanos, 500000000);
    workflow_run_free(run);
}

/* --- which history --- */

static void a_run_that_knows_nothing_asks_for_the_history_from_its_start(void **state)
{
    Tpb__Workflowservice__GetWorkflowExecutionHistoryResponse page = {0};
    struct workflow_answer answer;

    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    workflow_begin(run, theatre_arena(), poll(nap_words, 9));
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_NEEDS_PAGE);
    assert_int_equal(answer.page_token.size, 0);

    page = (Tpb__Workflowservice__GetWorkflowExecutionHistoryResponse)
        TPB__WORKFLOWSERVICE__GET_WORKFLOW_EXECUTION_HISTORY_RESPONSE__INIT;
    page.history = history_of(theatre_arena(), nap_words);
    page.history->n_events = 4;
    page.next_page_token = (ProtobufCBinaryData){4, (uint8_t *)"more"};
    workflow_page(run, &page);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_NEEDS_PAGE);
    assert_memory_equal(answer.page_token.data, "more", 4);

    /* The fetched history ends before the poll's own. */
    page.history = history_of(theatre_arena(), nap_words);
    page.history->events += 4;
    page.history->n_events = 6;
    page.next_page_token.len = 0;
    workflow_page(run, &page);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_ANSWERS);
    assert_true(answer.closes);
    workflow_end(run);
    workflow_run_free(run);
}

static void a_run_with_a_gap_is_rebuilt_from_the_start(void **state)
{
    Tpb__Workflowservice__GetWorkflowExecutionHistoryResponse page =
        TPB__WORKFLOWSERVICE__GET_WORKFLOW_EXECUTION_HISTORY_RESPONSE__INIT;
    struct workflow_answer answer;

    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    work(run, poll("start Nap; open", 1));
    workflow_begin(run, theatre_arena(), poll(nap_words, 9));
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_NEEDS_PAGE);
    assert_int_equal(answer.page_token.size, 0);
    page.history = history_of(theatre_arena(), nap_words);
    workflow_page(run, &page);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_ANSWERS);
    assert_true(answer.closes);
    workflow_end(run);
    workflow_run_free(run);
}

static void a_run_in_memory_passes_over_what_it_has_applied(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    work(run, poll("start Nap; open", 1));
    struct workflow_answer answer = work(run, poll("start Nap; pinned; timer 1; fired 1; open", 1));
    assert_int_equal(completed(&answer)->n_commands, 1);
    workflow_run_free(run);
}

static void a_history_with_a_hole_fails_the_task_when_the_whole_has_it_too(void **state)
{
    Poll *p;
    struct workflow_answer answer;

    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    p = poll(nap_words, 1);
    p->history->events[6] = p->history->events[7];
    answer = work(run, p);
    has(failed(&answer)->failure->message, "gap");
    workflow_run_free(run);
}

static void a_task_that_the_server_took_back_is_forgotten(void **state)
{
    Tpb__Workflowservice__GetWorkflowExecutionHistoryResponse page =
        TPB__WORKFLOWSERVICE__GET_WORKFLOW_EXECUTION_HISTORY_RESPONSE__INIT;
    static const char *const begun = "start Count; task; timer 1";
    struct workflow_answer answer;

    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Count' { run = function()\n"
                                      "  local inbox = workflow.signal('go')\n"
                                      "  workflow.sleep(1)\n"
                                      "  return inbox:receive() + inbox:receive()\n"
                                      "end }");
    struct workflow_run *run = new_run();
    work(run, poll("start Count; open", 1));
    /* Events 6 and 7 are of a task for a rejected update, and never come to be. */
    work(run, poll("start Count; task; timer 1; open", 4));
    Poll *p = poll("start Count; task; timer 1; signal go 1; signal go 2; fired 1; open", 6);
    workflow_begin(run, theatre_arena(), p);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_NEEDS_PAGE);
    page.history = history_of(theatre_arena(), begun);
    workflow_page(run, &page);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_ANSWERS);
    assert_string_equal(text_of(completed(&answer)
                                    ->commands[0]
                                    ->complete_workflow_execution_command_attributes->result),
                        "3");
    workflow_end(run);
    workflow_run_free(run);
}

static void an_event_without_its_attributes_fails_the_task(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    Poll *p = poll("start Nap; open", 1);
    p->history->events[0]->attributes_case = 0;
    struct workflow_answer answer = work(run, p);
    has(failed(&answer)->failure->message, "event 1 (WorkflowExecutionStarted) has no attributes");
    workflow_run_free(run);
}

static void a_history_that_does_not_begin_with_the_start_fails_the_task(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("signal go 1; open", 1));
    has(failed(&answer)->failure->message, "does not begin with the start of a workflow");
    workflow_run_free(run);
}

static void a_task_of_a_run_that_is_over_is_not_answered(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Nap; task; timer 1; fired 1; task;"
                                                   "activity 1 wake; done 1 'up'; task; complete",
                                                   1));
    assert_int_equal(answer.kind, ANSWER_NOTHING);
    assert_true(answer.evict);
    workflow_run_free(run);
}

/* --- queries --- */

static void queries_beside_a_task_are_answered_with_it(void **state)
{
    Poll *p;

    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    p = poll("start Nap; open", 1);
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse__QueriesEntry entries[2] = {
        TPB__WORKFLOWSERVICE__POLL_WORKFLOW_TASK_QUEUE_RESPONSE__QUERIES_ENTRY__INIT,
        TPB__WORKFLOWSERVICE__POLL_WORKFLOW_TASK_QUEUE_RESPONSE__QUERIES_ENTRY__INIT};
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse__QueriesEntry *list[2] = {&entries[0],
                                                                                  &entries[1]};
    entries[0].key = "q1";
    entries[0].value = query("state", "7");
    entries[1].key = "q2";
    entries[1].value = query("weather", NULL);
    p->queries = list;
    p->n_queries = 2;
    struct workflow_answer answer = work(run, p);
    const Completed *c = completed(&answer);

    assert_int_equal(c->n_commands, 2);
    assert_int_equal(c->n_query_results, 2);
    assert_string_equal(c->query_results[0]->key, "q1");
    assert_string_equal(text_of(c->query_results[0]->value->answer), "[\"fine\",7]");
    assert_int_equal(c->query_results[1]->value->result_type, 2);
    has(c->query_results[1]->value->error_message,
        "workflow Nap has no query \"weather\"; it has __stack_trace, "
        "__temporal_workflow_metadata, state");
    workflow_run_free(run);
}

static void a_query_of_its_own_is_answered_from_memory_or_from_history(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    work(run, poll("start Nap; open", 1));
    struct workflow_answer answer =
        work(run, query_poll("start Nap; open", 4, query("state", "1")));
    assert_string_equal(text_of(answered(&answer)->query_result), "[\"fine\",1]");
    workflow_run_free(run);

    run = new_run();
    answer = work(run, query_poll("start Nap; task; timer 1; fired 1; task; activity 1 wake;"
                                  "done 1 'up'; task; complete 'up'",
                                  1, query("state", "2")));
    assert_string_equal(text_of(answered(&answer)->query_result), "[\"fine\",2]");
    workflow_run_free(run);
}

static void a_query_about_later_events_than_memory_has_needs_the_history(void **state)
{
    struct workflow_answer answer;

    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    work(run, poll("start Nap; open", 1));
    Poll *p = query_poll("start Nap; open", 4, query("state", NULL));
    p->previous_started_event_id = 9;
    workflow_begin(run, theatre_arena(), p);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_NEEDS_PAGE);
    workflow_end(run);
    workflow_run_free(run);
}

static void a_query_on_a_broken_history_is_left_to_the_next_worker(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    Poll *p = query_poll("start Nap; task; timer 1", 1, query("state", NULL));
    p->history->events[2] = p->history->events[3];
    struct workflow_answer answer = work(run, p);
    assert_int_equal(answer.kind, ANSWER_NOTHING);
    assert_true(answer.evict);
    workflow_run_free(run);
}

static void too_large_a_result_fails_its_query_alone(void **state)
{
    struct error err = {0};

    (void)state;
    theatre_script("workflows/t.lua",
                   "workflow 'Big' { run = function() workflow.sleep(1) end,\n"
                   "queries = { all = function() return ('x'):rep(5000) end } }");
    assert_true(theatre_try_host((struct workflow_options){.payload_limit = 1000}, &err));
    struct workflow_run *run = new_run();
    struct workflow_answer answer =
        work(run, query_poll("start Big; task; timer 1", 1, query("all", NULL)));
    has(answered(&answer)->error_message, "over the limit of 1000");
    assert_false(answer.evict);
    workflow_run_free(run);
}

static void a_query_that_does_not_stop_fails_alone_and_costs_the_run_in_memory(void **state)
{
    struct error err = {0};

    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Loop' { run = function() workflow.sleep(1) end,\n"
                                      "queries = { spin = function() while true do end end } }");
    assert_true(theatre_try_host((struct workflow_options){.slice_ms = 100}, &err));
    struct workflow_run *run = new_run();
    Poll *p = poll("start Loop; open", 1);
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse__QueriesEntry entry =
        TPB__WORKFLOWSERVICE__POLL_WORKFLOW_TASK_QUEUE_RESPONSE__QUERIES_ENTRY__INIT;
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse__QueriesEntry *list[1] = {&entry};
    entry.key = "q";
    entry.value = query("spin", NULL);
    p->queries = list;
    p->n_queries = 1;
    struct workflow_answer answer = work(run, p);
    const Completed *c = completed(&answer);
    assert_int_equal(c->n_commands, 2);
    has(c->query_results[0]->value->error_message, "[TMPRL1101]");
    has(c->query_results[0]->value->error_message, "workflows/t.lua:2");
    assert_true(answer.evict);
    workflow_run_free(run);
}

static void the_stack_of_a_waiting_run_can_be_asked_for(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    struct workflow_answer answer =
        work(run, query_poll("start Nap; task; timer 1", 1, query("__stack_trace", NULL)));
    has(text_of(answered(&answer)->query_result), "workflows/t.lua:2");
    workflow_run_free(run);
}

static void the_workflow_tells_what_it_answers_to(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    struct workflow_answer answer =
        work(run, query_poll("start Nap; task; timer 1", 1,
                             query("__temporal_workflow_metadata", NULL)));
    assert_string_equal(text_of(answered(&answer)->query_result),
                        "{\"definition\":{\"queryDefinitions\":[{\"name\":\"state\"}],"
                        "\"signalDefinitions\":[],\"type\":\"Nap\"}}");
    workflow_run_free(run);
}

static void a_query_that_acts_fails_and_leaves_the_run_as_it_was(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Sly' { run = function() workflow.sleep(5) end,\n"
                                      "queries = { act = function()\n"
                                      "  local x = workflow.call('x')\n"
                                      "end } }");
    struct workflow_run *run = new_run();
    work(run, poll("start Sly; open", 1));
    struct workflow_answer answer = work(run, query_poll("start Sly; open", 4, query("act", NULL)));
    const Answered *a = answered(&answer);
    assert_int_equal(a->completed_type, 2);
    has(a->error_message, "workflows/t.lua:3");
    has(a->error_message, "workflow.call cannot be called in a query");
    answer = work(run, poll("start Sly; pinned; timer 1; fired 1; open", 4));
    assert_true(answer.closes);
    workflow_run_free(run);
}

static void a_query_on_a_run_that_cannot_be_rebuilt_fails_with_the_reason(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    struct workflow_answer answer =
        work(run, query_poll("start Nap; task; activity 1 other", 1, query("state", NULL)));
    const Answered *a = answered(&answer);
    assert_int_equal(a->completed_type, 2);
    assert_int_equal(a->cause, 24);
    has(a->error_message, "[TMPRL1100]");
    assert_true(answer.evict);
    workflow_run_free(run);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, theatre_open, theatre_close)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(a_completion_says_who_we_are_once),
        STORY(options_of_an_activity_reach_the_server),
        STORY(without_options_an_activity_has_the_default_policy),
        STORY(a_failing_workflow_tells_the_server_what_failed_and_why),
        STORY(a_typed_error_of_the_script_keeps_its_fields_and_its_stack),
        STORY(a_closing_completion_says_how_the_run_ended),
        STORY(a_sticky_worker_names_its_own_queue),
        STORY(a_run_that_knows_nothing_asks_for_the_history_from_its_start),
        STORY(a_run_with_a_gap_is_rebuilt_from_the_start),
        STORY(a_run_in_memory_passes_over_what_it_has_applied),
        STORY(a_history_with_a_hole_fails_the_task_when_the_whole_has_it_too),
        STORY(queries_beside_a_task_are_answered_with_it),
        STORY(a_query_of_its_own_is_answered_from_memory_or_from_history),
        STORY(a_task_that_the_server_took_back_is_forgotten),
        STORY(an_event_without_its_attributes_fails_the_task),
        STORY(a_history_that_does_not_begin_with_the_start_fails_the_task),
        STORY(a_task_of_a_run_that_is_over_is_not_answered),
        STORY(a_query_about_later_events_than_memory_has_needs_the_history),
        STORY(a_query_on_a_broken_history_is_left_to_the_next_worker),
        STORY(too_large_a_result_fails_its_query_alone),
        STORY(a_query_that_does_not_stop_fails_alone_and_costs_the_run_in_memory),
        STORY(the_stack_of_a_waiting_run_can_be_asked_for),
        STORY(the_workflow_tells_what_it_answers_to),
        STORY(a_query_that_acts_fails_and_leaves_the_run_as_it_was),
        STORY(a_query_on_a_run_that_cannot_be_rebuilt_fails_with_the_reason),
    };

    return RUN_STORIES("tasks", stories);
}

/* Tasks as a server hands them out, and what it hears. */
#include "story.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/event.h"
#include "workflow/theatre.h"

typedef Tpb__Workflowservice__PollWorkflowTaskQueueResponse Poll;
typedef Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest Completed;
typedef Tpb__Workflowservice__RespondWorkflowTaskFailedRequest Failed;
typedef Tpb__Workflowservice__RespondQueryTaskCompletedRequest Answered;

static const char *const nap = "workflow 'Nap' { run = function()\n"
                               "  workflow.sleep('5s')\n"
                               "  return workflow.call('wake')\n"
                               "end, queries = { state = function(n) return { 'fine', n } end } }";
static const char *const nap_words =
    "start Nap; task; timer 1; fired 1; task; activity 1 wake; done 1 'up'; open";

/* A poll with the events from `first` on; the last one is the task's. */
static Poll *poll(const char *words, int64_t first)
{
    struct arena *arena = theatre_arena();
    Tpb__History__History *history = history_of(arena, words);
    Poll *p =
        proto_new(&tpb__workflowservice__poll_workflow_task_queue_response__descriptor, arena);

    p->task_token = (ProtobufCBinaryData){5, (uint8_t *)"token"};
    p->workflow_execution = proto_new(&tpb__common__workflow_execution__descriptor, arena);
    p->workflow_execution->workflow_id = "id";
    p->workflow_execution->run_id = "run";
    p->attempt = 1;
    for (size_t i = 0; i < history->n_events; i++)
        if ((int)history->events[i]->event_type == EVENT_TASK_STARTED) {
            p->previous_started_event_id = p->started_event_id;
            p->started_event_id = history->events[i]->event_id;
        }
    p->history = history;
    history->events += first - 1;
    history->n_events -= (size_t)first - 1;
    return p;
}

static struct workflow_run *new_run(void)
{
    return workflow_run_new(theatre_host(), SPAN("run"));
}

static struct workflow_answer work(struct workflow_run *run, const Poll *p)
{
    struct workflow_answer answer;

    workflow_begin(run, theatre_arena(), p);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_ANSWERS);
    workflow_end(run);
    return answer;
}

static void *read_body(const struct workflow_answer *answer, enum workflow_answer_kind kind,
                       const ProtobufCMessageDescriptor *type)
{
    struct error err = {0};

    if (answer->kind != kind)
        fail_msg("the answer is %d, not %d: %.*s", answer->kind, kind, (int)answer->error.size,
                 answer->error.size ? answer->error.data : "");
    void *message = proto_unpack(type, answer->body, theatre_arena(), &err);
    assert_non_null(message);
    return message;
}

static Completed *completed(const struct workflow_answer *answer)
{
    return read_body(answer, ANSWER_COMPLETED,
                     &tpb__workflowservice__respond_workflow_task_completed_request__descriptor);
}

static Failed *failed(const struct workflow_answer *answer)
{
    assert_true(answer->evict);
    return read_body(answer, ANSWER_FAILED,
                     &tpb__workflowservice__respond_workflow_task_failed_request__descriptor);
}

static Answered *answered(const struct workflow_answer *answer)
{
    return read_body(answer, ANSWER_QUERY,
                     &tpb__workflowservice__respond_query_task_completed_request__descriptor);
}

static const char *text_of(const Tpb__Common__Payloads *payloads)
{
    const ProtobufCBinaryData *bytes = &payloads->payloads[0]->data;

    return arena_copy(theatre_arena(), bytes->data, bytes->len);
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static Tpb__Query__WorkflowQuery *query(const char *type, const char *argument)
{
    Tpb__Query__WorkflowQuery *q =
        proto_new(&tpb__query__workflow_query__descriptor, theatre_arena());

    q->query_type = type;
    if (argument)
        q->query_args = history_payloads(theatre_arena(), argument);
    return q;
}

/* --- completions --- */

static void a_completion_says_who_we_are_once(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", nap);
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Nap; open", 1));
    const Completed *c = completed(&answer);

    assert_int_equal(c->n_commands, 1);
    assert_int_equal(c->commands[0]->command_type, COMMAND_START_TIMER);
    assert_int_equal(c->commands[0]->start_timer_command_attributes->start_to_fire_timeout->seconds,
                     5);
    assert_memory_equal(c->task_token.data, "token", 5);
    assert_string_equal(c->identity, "tester");
    assert_string_equal(c->namespace_, "default");
    assert_null(c->sticky_attributes);
    assert_true(c->capabilities->discard_speculative_workflow_task_with_events);
    assert_string_equal(c->sdk_metadata->sdk_name, "temporal-lua");
    assert_int_equal(c->sdk_metadata->n_lang_used_flags, 1);
    assert_false(answer.closes);

    answer = work(run, poll("start Nap; task; timer 1; fired 1; open", 4));
    c = completed(&answer);
    assert_int_equal(c->commands[0]->command_type, COMMAND_SCHEDULE_ACTIVITY);
    assert_string_equal(
        c->commands[0]->schedule_activity_task_command_attributes->activity_type->name, "wake");
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
    struct workflow_answer answer = work(run, poll("start Nap; task; timer 1; fired 1; open", 1));
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

    assert_int_equal(c->n_commands, 1);
    assert_int_equal(c->n_query_results, 2);
    assert_string_equal(c->query_results[0]->key, "q1");
    assert_string_equal(text_of(c->query_results[0]->value->answer), "[\"fine\",7]");
    assert_int_equal(c->query_results[1]->value->result_type, 2);
    has(c->query_results[1]->value->error_message,
        "workflow Nap has no query \"weather\"; it has __stack_trace, "
        "__temporal_workflow_metadata, state");
    workflow_run_free(run);
}

/* A query's own task: nothing to complete, history as it stands. */
static Poll *query_poll(const char *words, int64_t first, Tpb__Query__WorkflowQuery *q)
{
    Poll *p = poll(words, first);

    p->previous_started_event_id = p->started_event_id;
    p->started_event_id = 0;
    p->query = q;
    return p;
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
    answer = work(run, poll("start Sly; task; timer 1; fired 1; open", 4));
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

/* --- failed tasks --- */

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

static void stopped(const char *body, const char *reason)
{
    struct error err = {0};
    char text[1024];
    int64_t before = clock_monotonic_ms();

    theatre_forget();
    snprintf(text, sizeof text,
             "workflow 'Wild' { run = function()\n"
             "%s\n"
             "end }\n"
             "workflow 'Calm' { run = function() return workflow.call('x') end }",
             body);
    theatre_script("workflows/t.lua", text);
    assert_true(theatre_try_host(
        (struct workflow_options){.slice_ms = 200, .instance_limit = 8 << 20}, &err));
    struct workflow_run *calm = new_run(), *wild = new_run();
    work(calm, poll("start Calm; open", 1));
    struct workflow_answer answer = work(wild, poll("start Wild; open", 1));
    has(failed(&answer)->failure->message, reason);
    assert_true(clock_monotonic_ms() - before < 2000);
    workflow_run_free(wild);

    answer = work(calm, poll("start Calm; task; activity 1 x; done 1 5; open", 4));
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
        STORY(a_completion_says_who_we_are_once),
        STORY(a_closing_completion_says_how_the_run_ended),
        STORY(a_sticky_worker_names_its_own_queue),
        STORY(a_run_that_knows_nothing_asks_for_the_history_from_its_start),
        STORY(a_run_with_a_gap_is_rebuilt_from_the_start),
        STORY(a_run_in_memory_passes_over_what_it_has_applied),
        STORY(a_history_with_a_hole_fails_the_task_when_the_whole_has_it_too),
        STORY(queries_beside_a_task_are_answered_with_it),
        STORY(a_query_of_its_own_is_answered_from_memory_or_from_history),
        STORY(the_stack_of_a_waiting_run_can_be_asked_for),
        STORY(the_workflow_tells_what_it_answers_to),
        STORY(a_query_that_acts_fails_and_leaves_the_run_as_it_was),
        STORY(a_query_on_a_run_that_cannot_be_rebuilt_fails_with_the_reason),
        STORY(nondeterminism_fails_the_task_with_its_own_cause),
        STORY(only_the_first_attempt_of_a_failing_task_is_told),
        STORY(a_mistake_shows_where_it_was_made),
        STORY(a_payload_over_the_limit_fails_the_task_before_the_server_sees_it),
        STORY(text_that_is_no_utf8_fails_the_task),
        STORY(what_a_workflow_must_not_touch_fails_the_task_with_the_line),
        STORY(a_loop_without_end_is_stopped_and_hurts_nobody),
        STORY(a_bomb_of_memory_is_stopped_and_hurts_nobody),
        STORY(a_bomb_of_patterns_is_stopped_and_hurts_nobody),
    };

    return RUN_STORIES("tasks", stories);
}

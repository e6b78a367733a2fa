/* Runs go on with the code that they began with, and with no other, wherever they are rebuilt. */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/event.h"
#include "store/pack.h"
#include "workflow/desk.h"
#include "workflow/host.h"
#include "workflow/pin.h"

#define TALE "start Greet; pinned; timer 1; fired 1; open"

/* --- the scripts --- */

static void greeting(const char *text)
{
    char script[256];

    snprintf(script, sizeof script,
             "workflow 'Greet' { run = function() workflow.sleep('5s') return '%s' end,\n"
             "queries = { text = function() return '%s' end } }",
             text, text);
    theatre_script("workflows/t.lua", script);
}

/* Text that no packer makes smaller than the limit. */
static void large_greeting(const char *text)
{
    struct bytes script = {0};
    uint64_t chance = 1;

    bytes_printf(&script,
                 "workflow 'Greet' { run = function() workflow.sleep('5s') return '%s' end }\n--",
                 text);
    for (int i = 0; i < 3 * PIN_SOURCE_MAX; i++) {
        chance = chance * 6364136223846793005u + 1442695040888963407u;
        bytes_add_char(&script, (char)('0' + (chance >> 33) % 64));
    }
    theatre_script("workflows/t.lua", bytes_text(&script));
    bytes_release(&script);
}

static void reload(void)
{
    struct error err = {0};

    if (!theatre_reload(&err))
        fail_msg("%s", err.text);
}

/* --- the runs --- */

static const char *end_of(struct workflow_answer answer)
{
    const Completed *c = completed(&answer);

    return text_of(
        c->commands[c->n_commands - 1]->complete_workflow_execution_command_attributes->result);
}

/* What a run that is rebuilt here from the task's whole history ends with. */
static const char *rebuilt(const Poll *p)
{
    struct workflow_run *run = new_run();
    const char *text = end_of(work(run, p));

    workflow_run_free(run);
    return text;
}

static void fails(const Poll *p, const char *part)
{
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, p);
    const Failed *f = failed(&answer);

    assert_int_equal(f->cause, 14);
    assert_string_equal(f->failure->application_failure_info->type, "BundleUnavailable");
    assert_string_equal(answer.failure_reason, "BundleUnavailable");
    has(f->failure->message, part);
    workflow_run_free(run);
}

static Tpb__Common__Payload *detail(const Poll *p, const char *key)
{
    for (size_t i = 0; i < p->history->n_events; i++) {
        const Tpb__History__HistoryEvent *e = p->history->events[i];
        for (size_t j = 0; (int)e->event_type == EVENT_MARKER_RECORDED &&
                           j < e->marker_recorded_event_attributes->n_details;
             j++)
            if (strcmp(e->marker_recorded_event_attributes->details[j]->key, key) == 0)
                return e->marker_recorded_event_attributes->details[j]->value->payloads[0];
    }
    return NULL;
}

/* The detail as something else says it. */
static void forge(const Poll *p, const char *key, struct span text)
{
    detail(p, key)->data = (ProtobufCBinaryData){
        text.size, (uint8_t *)arena_copy(theatre_arena(), text.data, text.size)};
}

static struct span read_detail(const Poll *p, const char *key)
{
    ProtobufCBinaryData data = detail(p, key)->data;

    return (struct span){(const char *)data.data, data.len};
}

/* --- what is recorded --- */

static void the_first_completion_records_the_code_and_its_source(void **state)
{
    struct error err = {0};

    (void)state;
    greeting("old");
    const Poll *p = poll(TALE, 1);
    const struct store_bundle *bundle = host_find(theatre_host(), SPAN("Greet"), &err)->bundle;
    struct span about = read_detail(p, "bundle");
    char expected[512];

    snprintf(expected, sizeof expected, "\"entry\":\"workflows/t.lua\",\"hash\":\"%s\",\"v\":1}",
             bundle->hash);
    has(arena_copy(theatre_arena(), about.data, about.size), expected);
    has(arena_copy(theatre_arena(), about.data, about.size), "{\"engine\":\"temporal-lua ");
    const struct store_bundle *source = store_unpack(read_detail(p, "source"), bundle->hash, &err);
    assert_non_null(source);
    assert_true(span_equal(source->files[0].text, bundle->files[0].text));
    store_bundle_release(source);
}

static void only_the_first_completion_records_it(void **state)
{
    (void)state;
    greeting("old");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Greet; open", 1));
    assert_int_equal(completed(&answer)->commands[0]->command_type, COMMAND_RECORD_MARKER);
    answer = work(run, poll(TALE, 4));
    assert_int_equal(completed(&answer)->n_commands, 1);
    workflow_run_free(run);
    assert_string_equal(rebuilt(poll(TALE, 1)), "\"old\"");
}

/* --- what it is good for --- */

static void a_run_is_rebuilt_on_the_code_in_its_history(void **state)
{
    (void)state;
    greeting("old");
    const Poll *p = poll(TALE, 1);
    greeting("new");
    reload();
    assert_string_equal(rebuilt(p), "\"old\"");
    theatre_forget();
    assert_string_equal(rebuilt(p), "\"old\"");
    theatre_forget();
    theatre_script("workflows/t.lua", "");
    assert_string_equal(rebuilt(p), "\"old\"");
}

static void a_query_on_a_run_that_is_over_is_answered_by_its_own_code(void **state)
{
    (void)state;
    greeting("old");
    const Poll *p = query_poll("start Greet; pinned; timer 1; fired 1; task; complete 'old'", 1,
                               query("text", NULL));
    greeting("new");
    reload();
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, p);
    assert_string_equal(text_of(answered(&answer)->query_result), "\"old\"");
    workflow_run_free(run);
}

static void a_run_whose_first_task_was_not_completed_takes_the_newest_code(void **state)
{
    (void)state;
    greeting("old");
    theatre_host();
    greeting("new");
    reload();
    assert_string_equal(
        rebuilt(poll("start Greet; failed; lost; pinned; timer 1; fired 1; open", 1)), "\"new\"");
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Greet; failed; lost; open", 1));
    assert_int_equal(completed(&answer)->commands[0]->command_type, COMMAND_RECORD_MARKER);
    workflow_run_free(run);
}

static void a_reset_to_the_first_task_takes_the_newest_code_and_a_later_one_does_not(void **state)
{
    struct workflow_answer answer;

    (void)state;
    greeting("old");
    const Poll *later = poll("start Greet; pinned; timer 1; fired 1; reset other; open", 1);
    const Poll *first = poll("start Greet; reset other; open", 1);
    greeting("new");
    reload();
    assert_string_equal(rebuilt(later), "\"old\"");
    struct workflow_run *run = new_run();
    answer = work(run, first);
    assert_int_equal(completed(&answer)->commands[0]->command_type, COMMAND_RECORD_MARKER);
    answer = work(run, poll("start Greet; reset other; pinned; timer 1; fired 1; open", 6));
    assert_string_equal(end_of(answer), "\"new\"");
    workflow_run_free(run);
}

static void a_run_that_recorded_no_code_takes_the_newest(void **state)
{
    (void)state;
    greeting("new");
    assert_string_equal(rebuilt(poll("start Greet; task; timer 1; fired 1; open", 1)), "\"new\"");
}

static void a_run_that_ends_in_its_first_task_replays(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "workflow 'Greet' { run = function() return 'old' end }");
    const Poll *p = poll("start Greet; pinned; complete 'old'", 1);
    theatre_script("workflows/t.lua", "workflow 'Greet' { run = function() return 'new' end }");
    theatre_forget();
    theatre_replays_history(p->history);
}

static void a_history_replays_on_its_own_code_in_every_way(void **state)
{
    (void)state;
    greeting("old");
    const Poll *p = poll("start Greet; pinned; timer 1; fired 1; task; complete 'old'", 1);
    theatre_script("workflows/t.lua", "workflow 'Greet' { run = function() return 'new' end }");
    theatre_forget();
    theatre_replays_history(p->history);
}

static void who_asks_for_it_replays_on_the_newest_code(void **state)
{
    struct error err = {0};

    (void)state;
    greeting("old");
    const Poll *p = poll("start Greet; pinned; timer 1; fired 1; task; complete 'old'", 1);
    theatre_forget();
    theatre_script("workflows/t.lua", "workflow 'Greet' { run = function() return 'new' end }");
    assert_true(theatre_try_host((struct workflow_options){.newest = true}, &err));
    theatre_refuses_history(p->history, ERROR_HISTORY,
                            "history has TimerStarted '1', the script asked for completing");
}

static void the_marker_may_come_with_a_later_page(void **state)
{
    struct workflow_answer answer;

    (void)state;
    greeting("old");
    Poll *p = poll(TALE, 1);
    Tpb__Workflowservice__GetWorkflowExecutionHistoryResponse *page =
        proto_new(&tpb__workflowservice__get_workflow_execution_history_response__descriptor,
                  theatre_arena());
    page->history = proto_new(&tpb__history__history__descriptor, theatre_arena());
    page->history->events = p->history->events + 4;
    page->history->n_events = p->history->n_events - 4;
    p->history->n_events = 4;
    p->next_page_token = (ProtobufCBinaryData){1, (uint8_t *)"x"};
    greeting("new");
    reload();
    struct workflow_run *run = new_run();
    workflow_begin(run, theatre_arena(), p);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_NEEDS_PAGE);
    workflow_page(run, page);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_ANSWERS);
    assert_string_equal(end_of(answer), "\"old\"");
    workflow_end(run);
    workflow_run_free(run);
}

/* --- code that is too large to travel --- */

static void large_code_is_named_and_not_sent(void **state)
{
    (void)state;
    large_greeting("old");
    const Poll *p = poll(TALE, 1);
    assert_non_null(detail(p, "bundle"));
    assert_null(detail(p, "source"));
    assert_string_equal(rebuilt(p), "\"old\"");
}

static void large_code_stays_while_the_worker_does(void **state)
{
    (void)state;
    large_greeting("old");
    const Poll *p = poll(TALE, 1);
    large_greeting("new");
    reload();
    assert_string_equal(rebuilt(p), "\"old\"");
    assert_string_equal(rebuilt(p), "\"old\"");
}

static void large_code_that_nobody_has_fails_the_task_and_says_what_to_do(void **state)
{
    (void)state;
    large_greeting("old");
    const Poll *p = poll(TALE, 1);
    theatre_forget();
    greeting("new");
    fails(p, "this run began on workflows/t.lua@");
    fails(p,
          "it is too large to be in the history, and this worker has not seen it. Start a worker "
          "whose scripts folder holds that version");
    large_greeting("old");
    reload();
    assert_string_equal(rebuilt(p), "\"old\"");
}

static void a_lower_limit_for_payloads_holds_for_the_source_too(void **state)
{
    struct error err = {0};

    (void)state;
    greeting("old");
    assert_true(theatre_try_host((struct workflow_options){.payload_limit = 100}, &err));
    assert_null(detail(poll(TALE, 1), "source"));
}

/* --- markers that are not what they say --- */

/* A history that names the code of a host that is gone. */
static Poll *orphan(void)
{
    greeting("old");
    Poll *p = poll(TALE, 1);
    theatre_forget();
    greeting("new");
    return p;
}

static struct span packed(const char *text)
{
    uLongf size = compressBound(strlen(text));
    char *place = arena_alloc(theatre_arena(), size);

    compress((Bytef *)place, &size, (const Bytef *)text, strlen(text));
    return (struct span){place, size};
}

static void a_source_that_is_not_that_of_the_hash_never_runs(void **state)
{
    (void)state;
    greeting("evil");
    struct span evil = read_detail(poll(TALE, 1), "source");
    theatre_forget();
    Poll *p = orphan();
    forge(p, "source", evil);
    fails(p, "runs on no other code: it is the source of another bundle, ");
}

static void a_source_that_does_not_unpack_never_runs(void **state)
{
    (void)state;
    Poll *p = orphan();
    forge(p, "source", SPAN("no zlib stream"));
    fails(p, "it does not unpack");
    struct span source = packed("no bundle");
    forge(p, "source", source);
    fails(p, "these bytes are no bundle");
    forge(p, "source", (struct span){source.data, source.size - 3});
    fails(p, "it does not unpack");
    forge(p, "source", SPAN(""));
    fails(p, "it does not unpack");
}

static void a_source_that_unpacks_without_end_is_stopped(void **state)
{
    char *zeros = calloc(1, 2 * STORE_UNPACKED_MAX);

    (void)state;
    memset(zeros, ' ', 2 * STORE_UNPACKED_MAX - 1);
    Poll *p = orphan();
    forge(p, "source", packed(zeros));
    free(zeros);
    fails(p, "it unpacks to more than 4194304 bytes");
}

static void a_marker_that_cannot_be_read_fails_the_task(void **state)
{
    (void)state;
    Poll *p = orphan();
    forge(p, "bundle", SPAN("{\"hash\":7,\"v\":1}"));
    fails(p, "the marker signalroom.bundle of event 5 cannot be read: it names no bundle");
    forge(p, "bundle", SPAN("{\"v\":2,\"hash\":\"x\",\"more\":[{}]}"));
    fails(p, "it was written by a newer SignalRoom");
    forge(p, "bundle", SPAN("no JSON"));
    fails(p, "of event 5 cannot be read: ");
    forge(p, "bundle", SPAN(""));
    fails(p, "of event 5 cannot be read: ");
}

static void a_marker_with_the_attributes_of_something_else_is_a_broken_history(void **state)
{
    struct error err = {0};

    (void)state;
    greeting("old");
    const Poll *p = poll("start Greet; pinned; timer 1; fired 1; task; complete 'old'", 1);
    p->history->events[4]->attributes_case = p->history->events[3]->attributes_case;
    p->history->events[4]->workflow_task_completed_event_attributes =
        p->history->events[3]->workflow_task_completed_event_attributes;
    assert_false(workflow_records_code(p->history));
    assert_false(workflow_replay(theatre_host(), p->history, "id", REPLAY_WHOLE, NULL, &err));
    has(err.text, "event 5 (MarkerRecorded) has no attributes of its type");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, theatre_open, theatre_close)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(the_first_completion_records_the_code_and_its_source),
        STORY(only_the_first_completion_records_it),
        STORY(a_run_is_rebuilt_on_the_code_in_its_history),
        STORY(a_query_on_a_run_that_is_over_is_answered_by_its_own_code),
        STORY(a_run_whose_first_task_was_not_completed_takes_the_newest_code),
        STORY(a_reset_to_the_first_task_takes_the_newest_code_and_a_later_one_does_not),
        STORY(a_run_that_recorded_no_code_takes_the_newest),
        STORY(a_run_that_ends_in_its_first_task_replays),
        STORY(a_history_replays_on_its_own_code_in_every_way),
        STORY(who_asks_for_it_replays_on_the_newest_code),
        STORY(the_marker_may_come_with_a_later_page),
        STORY(large_code_is_named_and_not_sent),
        STORY(large_code_stays_while_the_worker_does),
        STORY(large_code_that_nobody_has_fails_the_task_and_says_what_to_do),
        STORY(a_lower_limit_for_payloads_holds_for_the_source_too),
        STORY(a_source_that_is_not_that_of_the_hash_never_runs),
        STORY(a_source_that_does_not_unpack_never_runs),
        STORY(a_source_that_unpacks_without_end_is_stopped),
        STORY(a_marker_that_cannot_be_read_fails_the_task),
        STORY(a_marker_with_the_attributes_of_something_else_is_a_broken_history),
    };

    return RUN_STORIES("pin", stories);
}

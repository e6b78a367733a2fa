/* Where workflow types come from, and how runs share VMs. */
#include "story.h"

#include <stdio.h>
#include <string.h>

#include "workflow/desk.h"
#include "workflow/host.h"

static const char *const nap = "workflow 'Nap' { run = function() workflow.sleep('5s') end }";

static void refused(const char *part)
{
    struct error err = {0};

    assert_false(theatre_try_host((struct workflow_options){0}, &err));
    assert_int_equal(err.kind, ERROR_SCRIPT);
    has(err.text, part);
}

static void a_type_that_two_scripts_define_is_refused(void **state)
{
    (void)state;
    theatre_script("workflows/a.lua", nap);
    theatre_script("workflows/b.lua", nap);
    refused("workflow \"Nap\" is defined in workflows/a.lua and in workflows/b.lua");
}

static void a_script_may_require_one_that_defines_workflows(void **state)
{
    (void)state;
    theatre_script("workflows/a.lua", nap);
    theatre_script("workflows/b.lua", "require 'workflows.a'\n"
                                      "workflow 'Other' { run = function() end }");
    assert_int_equal(theatre_host()->types.count, 2);
}

static void a_script_that_does_not_compile_names_its_line(void **state)
{
    (void)state;
    theatre_script("workflows/a.lua", "\nlocal x = = 1");
    refused("workflows/a.lua:2");
}

static void a_script_that_fails_at_its_top_level_names_its_line(void **state)
{
    (void)state;
    theatre_script("workflows/a.lua", "\nworkflow.sleep(1)");
    refused("workflows/a.lua:2: workflow.sleep cannot be called at the top level of a script");
}

static void a_definition_is_checked_where_it_stands(void **state)
{
    (void)state;
    theatre_script("workflows/a.lua", "workflow 'A' { run = function() end, signal = {} }");
    refused(
        "workflows/a.lua:1: workflow \"A\" has no option \"signal\"; did you mean \"signals\"?");
    theatre_forget();
    theatre_script("workflows/a.lua", "workflow 'A' { }");
    refused("workflows/a.lua:1: workflow \"A\" has no function `run`");
    theatre_forget();
    theatre_script("workflows/a.lua", "workflow 'A' { run = function() end }\n"
                                      "workflow 'A' { run = function() end }");
    refused("workflows/a.lua:2: workflow \"A\" is defined twice");
}

static size_t cells(const struct workflow_host *host)
{
    size_t count = 0;

    for (const struct code *code = host->codes.first; code; code = code->next)
        for (const struct code_cell *c = code->cells; c; c = c->next)
            count++;
    return count;
}

static void cells_take_runs_until_they_are_full_and_go_when_they_are_empty(void **state)
{
    struct error err = {0};
    struct workflow_run *runs[5];

    (void)state;
    theatre_script("workflows/a.lua", nap);
    assert_true(theatre_try_host((struct workflow_options){.max_runs_per_cell = 2}, &err));
    for (size_t i = 0; i < 5; i++) {
        runs[i] = new_run();
        work(runs[i], poll("start Nap; open", 1));
    }
    assert_int_equal(cells(theatre_host()), 3);
    for (size_t i = 0; i < 5; i++)
        workflow_run_free(runs[i]);
    assert_int_equal(cells(theatre_host()), 1);
}

static void greeting(const char *text)
{
    char script[256];

    snprintf(script, sizeof script,
             "workflow 'Greet' { run = function()\n  workflow.sleep('5s') return '%s' end }", text);
    theatre_script("workflows/a.lua", script);
}

static void reload(void)
{
    struct error err = {0};

    if (!theatre_reload(&err))
        fail_msg("%s", err.text);
}

static void prepare(void)
{
    struct error err = {0};

    if (!theatre_prepare(&err))
        fail_msg("%s", err.text);
}

static struct workflow_run *asleep(void)
{
    struct workflow_run *run = new_run();
    struct workflow_answer answer = work(run, poll("start Greet; open", 1));

    completed(&answer);
    return run;
}

/* The run wakes and says it; it is gone then. */
static void says(struct workflow_run *run, const char *json)
{
    struct workflow_answer answer =
        work(run, poll("start Greet; pinned; timer 1; fired 1; open", 4));

    assert_string_equal(text_of(completed(&answer)
                                    ->commands[0]
                                    ->complete_workflow_execution_command_attributes->result),
                        json);
    workflow_run_free(run);
}

static void a_run_ends_on_the_code_that_it_began_with(void **state)
{
    (void)state;
    greeting("old");
    struct workflow_run *old = asleep();
    greeting("new");
    reload();
    struct workflow_run *new = asleep();
    assert_int_equal(cells(theatre_host()), 2);
    says(old, "\"old\"");
    assert_int_equal(cells(theatre_host()), 1);
    says(new, "\"new\"");
}

static void a_change_that_is_taken_back_is_the_same_code(void **state)
{
    (void)state;
    greeting("old");
    struct workflow_run *first = asleep();
    greeting("new");
    reload();
    greeting("old");
    reload();
    struct workflow_run *second = asleep();
    assert_int_equal(cells(theatre_host()), 1);
    says(first, "\"old\"");
    says(second, "\"old\"");
}

static void a_reading_that_cannot_serve_changes_nothing(void **state)
{
    struct error err = {0};

    (void)state;
    greeting("old");
    theatre_host();
    theatre_script("workflows/b.lua", "workflow 'Other' { run = function() end }");
    theatre_script("workflows/a.lua", "\nworkflow.sleep(1)");
    assert_false(theatre_reload(&err));
    has(err.text, "workflows/a.lua:2: workflow.sleep cannot be called at the top level");
    theatre_script("workflows/a.lua", "workflow 'Other' { run = function() end }");
    assert_false(theatre_reload(&err));
    has(err.text, "workflow \"Other\" is defined in workflows/a.lua and in workflows/b.lua");
    assert_null(host_find(theatre_host(), SPAN("Other"), &err));
    has(err.text, "this worker has Greet");
    says(asleep(), "\"old\"");
}

static void what_is_prepared_counts_once_it_is_taken(void **state)
{
    (void)state;
    greeting("old");
    struct workflow_run *old = asleep();
    greeting("new");
    reload();
    greeting("newest");
    prepare();
    struct workflow_run *new = asleep();
    says(old, "\"old\""); /* whose code nobody needs any more, unlike the one that is prepared */
    workflow_host_take(theatre_host());
    says(asleep(), "\"newest\"");
    says(new, "\"new\"");
}

static void what_is_discarded_leaves_no_trace(void **state)
{
    (void)state;
    greeting("old");
    theatre_host();
    greeting("new");
    prepare();
    workflow_host_discard(theatre_host());
    workflow_host_discard(theatre_host());
    says(asleep(), "\"old\"");
    prepare();
    greeting("newest");
    prepare();
    workflow_host_take(theatre_host());
    says(asleep(), "\"newest\"");
    prepare(); /* and the host is closed */
}

static void a_host_tells_its_types_and_their_code(void **state)
{
    struct error err = {0};

    (void)state;
    theatre_script("workflows/a.lua", "workflow 'B' { run = function() end }\n"
                                      "workflow 'A' { run = function() end }");
    theatre_script("workflows/b.lua", "workflow 'C' { run = function() end }");
    assert_null(host_find(theatre_host(), SPAN("D"), &err));
    has(err.text, "this worker has A, B, C");
    const struct code *a = host_find(theatre_host(), SPAN("A"), &err);
    assert_ptr_equal(host_find(theatre_host(), SPAN("B"), &err), a);
    assert_string_equal(store_entry(a->bundle).data, "workflows/a.lua");
    const struct code *c = host_find(theatre_host(), SPAN("C"), &err);
    assert_string_equal(store_entry(c->bundle).data, "workflows/b.lua");
}

static void runs_of_one_cell_do_not_see_one_another(void **state)
{
    (void)state;
    theatre_script("workflows/t.lua", "local count = 0\n"
                                      "workflow 'Count' { run = function()\n"
                                      "  count = count + 1\n"
                                      "  string.upper = nil\n"
                                      "  rawset(workflow, 'call', nil)\n"
                                      "  local future = workflow.spawn(function() end)\n"
                                      "  local channel = workflow.signal('s')\n"
                                      "  local spoil = future.__index or channel.__index\n"
                                      "  workflow.scope(function(scope)\n"
                                      "    spoil = spoil or scope.__index\n"
                                      "  end)\n"
                                      "  return spoil and 'all share it' or count\n"
                                      "end }");
    for (int i = 0; i < 3; i++) {
        struct workflow_run *run = new_run();
        struct workflow_answer answer = work(run, poll("start Count; open", 1));
        assert_string_equal(text_of(completed(&answer)
                                        ->commands[1]
                                        ->complete_workflow_execution_command_attributes->result),
                            "1");
        workflow_run_free(run);
    }
}

static void nothing_of_the_vocabulary_leads_to_what_all_runs_share(void **state)
{
    (void)state;
    /* Marks every table that a run can reach: the next run must find no mark. */
    theatre_script(
        "workflows/t.lua",
        "local seen, marked = {}, {}\n"
        "local function walk(value, path)\n"
        "  if type(value) ~= 'table' or seen[value] then return end\n"
        "  seen[value] = true\n"
        "  if rawget(value, 'mark') then marked[#marked + 1] = path end\n"
        "  walk(getmetatable(value), path .. '!')\n"
        "  local ok, behind = pcall(function() return value.__index end)\n"
        "  if ok then walk(behind, path .. '.__index') end\n"
        "  for k, v in pairs(value) do walk(v, path .. '.' .. tostring(k)) end\n"
        "  rawset(value, 'mark', true)\n"
        "end\n"
        "workflow 'Walk' { run = function()\n"
        "  local future = workflow.start('none', nil, { start_to_close = '1s' })\n"
        "  local waits = workflow.spawn(function() future:wait() end)\n"
        "  workflow.await(function() return true end)\n"
        "  for name, thing in pairs { future = future, waits = waits,\n"
        "      info = workflow.info(), channel = workflow.signal('s'),\n"
        "      error = select(2, pcall(workflow.sleep, 'x')), array = json.array(),\n"
        "      typed = ValueError 'x', bytes = workflow.bytes 'x',\n"
        "      globals = _G } do\n"
        "    walk(thing, name)\n"
        "  end\n"
        "  workflow.scope(function(scope) walk(scope, 'scope') end)\n"
        "  for name in ('await call cancelled continue_as_new info log log_warning now '\n"
        "    .. 'on_query on_signal random scope shield signal sleep spawn start '\n"
        "    .. 'timeout timer uuid wait_all wait_any'):gmatch('%S+') do\n"
        "    walk(workflow[name], name)\n"
        "  end\n"
        "  return table.concat(marked, ' ')\n"
        "end }");
    for (int i = 0; i < 2; i++) {
        struct workflow_run *run = new_run();
        struct workflow_answer answer = work(run, poll("start Walk; open", 1));
        const Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest *reply = completed(&answer);
        assert_string_equal(text_of(reply->commands[reply->n_commands - 1]
                                        ->complete_workflow_execution_command_attributes->result),
                            "\"\"");
        workflow_run_free(run);
    }
}

static void a_condition_loads_text_into_its_own_run(void **state)
{
    (void)state;
    theatre_script(
        "workflows/t.lua",
        "workflow 'Own' { run = function(mine)\n"
        "  rawset(string, 'mark', mine)\n"
        "  local seen\n"
        "  workflow.await(function() seen = load('return string.mark')() return true end)\n"
        "  return seen\n"
        "end }");
    for (int i = 1; i < 4; i++) {
        struct workflow_run *run = new_run();
        char words[64], expected[8];
        snprintf(words, sizeof words, "start Own %d; open", i);
        snprintf(expected, sizeof expected, "%d", i);
        struct workflow_answer answer = work(run, poll(words, 1));
        assert_string_equal(text_of(completed(&answer)
                                        ->commands[1]
                                        ->complete_workflow_execution_command_attributes->result),
                            expected);
        workflow_run_free(run);
    }
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, theatre_open, theatre_close)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(a_type_that_two_scripts_define_is_refused),
        STORY(a_script_may_require_one_that_defines_workflows),
        STORY(a_script_that_does_not_compile_names_its_line),
        STORY(a_script_that_fails_at_its_top_level_names_its_line),
        STORY(a_definition_is_checked_where_it_stands),
        STORY(cells_take_runs_until_they_are_full_and_go_when_they_are_empty),
        STORY(a_condition_loads_text_into_its_own_run),
        STORY(a_run_ends_on_the_code_that_it_began_with),
        STORY(a_change_that_is_taken_back_is_the_same_code),
        STORY(a_reading_that_cannot_serve_changes_nothing),
        STORY(what_is_prepared_counts_once_it_is_taken),
        STORY(what_is_discarded_leaves_no_trace),
        STORY(a_host_tells_its_types_and_their_code),
        STORY(runs_of_one_cell_do_not_see_one_another),
        STORY(nothing_of_the_vocabulary_leads_to_what_all_runs_share),
    };

    return RUN_STORIES("hosts", stories);
}

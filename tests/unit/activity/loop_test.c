/* Activity tasks on a loop of their own: packed tasks in, packed outcomes out. */
#include "worker_side.h"

#include <stdlib.h>
#include <string.h>

#include "activity/task.h"

/* --- stories --- */

static void a_task_runs_and_its_result_comes_back(void **state)
{
    (void)state;
    struct activity_loop *loop = start("activity 'greet' { run = function(who)\n"
                                       "  return { text = 'hello ' .. who.name, "
                                       "attempt = activity.info().attempt }\n"
                                       "end }");
    struct slot slot = {0};
    assert_string_equal(activity_names(loop)[0], "greet");
    assert_null(activity_names(loop)[1]);
    run(loop, &slot, "greet", "{\"name\":\"Ann\"}");
    check_result(&slot, "{\"attempt\":2,\"text\":\"hello Ann\"}");
    clear(&slot);
    activity_loop_stop(loop);
}

static void what_a_script_keeps_belongs_to_one_task(void **state)
{
    (void)state;
    struct activity_loop *loop = start("local seen = 0\n"
                                       "activity 'count' { run = function()\n"
                                       "  seen = seen + 1; return seen end }");
    struct slot slot = {0};
    for (int i = 0; i < 3; i++) {
        run(loop, &slot, "count", NULL);
        check_result(&slot, "1");
        clear(&slot);
    }
    activity_loop_stop(loop);
}

static void a_top_level_that_does_not_end_is_refused_where_it_is(void **state)
{
    (void)state;
    struct activity_loop *loop;
    struct error err = {0};
    struct script_source source = {SPAN("activities/story.lua"), SPAN("\nwhile true do end")};
    assert_false(try_start(&loop, &source, 1, &err));
    assert_string_equal(err.text, "activities/story.lua:2: the top level of a script defines; this "
                                  "one did not end");
}

static void found(void *user, const char *name, const char *script)
{
    bytes_printf(user, "%s in %s;", name, script);
}

static void scripts_can_be_checked_without_a_loop(void **state)
{
    (void)state;
    struct bytes seen = {0};
    struct error err = {0};
    struct activity_options options = {
        .sources =
            (struct script_source[]){
                                     {SPAN("activities/b.lua"), SPAN("activity 'y' { run = function() end }")},
                                     {SPAN("activities/c.lua"), SPAN("activity 'x' { run = function() end }")}},
        .source_count = 2,
    };
    assert_true(activity_check(&options, &(struct activity_reader){found, &seen}, &err));
    assert_string_equal(bytes_text(&seen), "x in activities/c.lua;y in activities/b.lua;");
    bytes_release(&seen);
}

static void a_type_that_no_script_defines_fails_and_names_those_there_are(void **state)
{
    (void)state;
    struct activity_loop *loop = start("activity 'b' { run = function() end }\n"
                                       "activity 'a' { run = function() end }");
    struct slot slot = {0};
    struct arena arena = {0};
    run(loop, &slot, "c", NULL);
    check_failure(&slot, "NotFoundError",
                  "no activity \"c\" in this worker's scripts; they define a, b");
    assert_false(failure_of(&slot, &arena)->application_failure_info->non_retryable);
    arena_release(&arena);
    clear(&slot);
    activity_loop_stop(loop);
}

static void typed_errors_become_failures(void **state)
{
    (void)state;
    struct activity_loop *loop = start(
        "activity 'fail' { run = function(kind)\n"
        "  if kind == 'plain' then error('broken') end\n"
        "  if kind == 'value' then error(ValueError('no such date')) end\n"
        "  if kind == 'final' then error(ApplicationError { type = 'OutOfStock',\n"
        "    message = 'none left', non_retryable = true, details = { item = 7 } }) end\n"
        "  if kind == 'later' then error(RateLimited { message = 'slow down', retry_after = 3 }) "
        "end\n"
        "  local ok, cause = pcall(error, KeyError('who'))\n"
        "  error(ApplicationError { type = 'Outer', message = 'bytes \\255', cause = cause })\n"
        "end }");
    struct slot slot = {0};
    struct arena arena = {0};
    run(loop, &slot, "fail", "\"plain\"");
    check_failure(&slot, "LuaError", "activities/story.lua:2: broken");
    assert_non_null(strstr(failure_of(&slot, &arena)->stack_trace, "activities/story.lua:2:"));
    clear(&slot);
    run(loop, &slot, "fail", "\"value\"");
    check_failure(&slot, "ValueError", "no such date");
    assert_non_null(strstr(failure_of(&slot, &arena)->stack_trace, "activities/story.lua:3:"));
    clear(&slot);
    run(loop, &slot, "fail", "\"final\"");
    check_failure(&slot, "OutOfStock", "none left");
    assert_true(failure_of(&slot, &arena)->application_failure_info->non_retryable);
    check_json(failure_of(&slot, &arena)->application_failure_info->details, "{\"item\":7}");
    clear(&slot);
    run(loop, &slot, "fail", "\"later\"");
    check_failure(&slot, "RateLimited", "slow down");
    assert_int_equal(failure_of(&slot, &arena)->application_failure_info->next_retry_delay->seconds,
                     3);
    clear(&slot);
    run(loop, &slot, "fail", "\"cause\"");
    check_failure(&slot, "Outer", "bytes ?");
    assert_string_equal(failure_of(&slot, &arena)->cause->application_failure_info->type,
                        "KeyError");
    clear(&slot);
    arena_release(&arena);
    activity_loop_stop(loop);
}

static void heartbeats_carry_details_to_the_next_attempt(void **state)
{
    (void)state;
    struct activity_loop *loop = start("activity 'beat' { run = function()\n"
                                       "  local before = activity.details()\n"
                                       "  activity.heartbeat({ page = before.page + 1 })\n"
                                       "  return before.page end }");
    struct slot slot = {0};
    struct arena arena = {0};
    submit(loop, &slot, (struct order){.type = "beat", .details = "{\"page\":41}"});
    await(&slot, has_finished);
    check_result(&slot, "41");
    assert_int_equal(slot.beats, 1);
    check_json(unpack(&tpb__common__payloads__descriptor, &slot.details, &arena), "{\"page\":42}");
    arena_release(&arena);
    clear(&slot);
    activity_loop_stop(loop);
}

static void a_task_that_waits_beats_by_itself_and_keeps_its_details(void **state)
{
    (void)state;
    struct activity_loop *loop =
        start("activity 'nap' { run = function() activity.sleep(60) end }");
    struct slot slot = {0};
    struct arena arena = {0};
    submit(loop, &slot, (struct order){.type = "nap", .details = "7", .heartbeat_ms = 100});
    await(&slot, has_beaten);
    check_json(unpack(&tpb__common__payloads__descriptor, &slot.details, &arena), "7");
    activity_cancel(loop, &slot, ACTIVITY_CANCEL_REQUESTED);
    await(&slot, has_finished);
    assert_int_equal(slot.kind, ACTIVITY_CANCELED);
    arena_release(&arena);
    clear(&slot);
    activity_loop_stop(loop);
}

static void why_it_was_cancelled_decides_what_the_server_hears(void **state)
{
    (void)state;
    static const struct {
        enum activity_cancel_reason reason;
        enum activity_outcome_kind kind;
        const char *type;
    } cases[] = {
        {ACTIVITY_CANCEL_REQUESTED, ACTIVITY_CANCELED, NULL            },
        {ACTIVITY_NOT_FOUND,        ACTIVITY_DROPPED,  NULL            },
        {ACTIVITY_TIMED_OUT,        ACTIVITY_DROPPED,  NULL            },
        {ACTIVITY_PAUSED,           ACTIVITY_FAILED,   "ActivityPause" },
        {ACTIVITY_RESET,            ACTIVITY_FAILED,   "ActivityReset" },
        {ACTIVITY_WORKER_SHUTDOWN,  ACTIVITY_FAILED,   "WorkerShutdown"},
    };
    struct activity_loop *loop =
        start("activity 'nap' { run = function() activity.sleep(60) end }");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slot slot = {0};
        submit(loop, &slot, (struct order){.type = "nap", .heartbeat_ms = 100});
        await(&slot, has_beaten);
        activity_cancel(loop, &slot, cases[i].reason);
        await(&slot, has_finished);
        assert_int_equal(slot.kind, cases[i].kind);
        if (cases[i].type)
            check_failure(&slot, cases[i].type, "");
        clear(&slot);
    }
    activity_loop_stop(loop);
}

static void the_weightiest_reason_counts(void **state)
{
    (void)state;
    struct activity_loop *loop = start("activity 'tidy' { run = function()\n"
                                       "  local _, first = pcall(activity.sleep, 60)\n"
                                       "  activity.heartbeat(1)\n"
                                       "  local _, second = pcall(activity.sleep, '300ms')\n"
                                       "  error(second or first) end }");
    struct slot slot = {0};
    submit(loop, &slot, (struct order){.type = "tidy", .heartbeat_ms = 100});
    await(&slot, has_beaten);
    activity_cancel(loop, &slot, ACTIVITY_CANCEL_REQUESTED);
    activity_cancel(loop, &slot, ACTIVITY_WORKER_SHUTDOWN);
    await(&slot, has_finished);
    assert_in_range(slot.finished_ms - slot.submitted_ms, 300, PATIENCE_MS);
    assert_int_equal(slot.kind, ACTIVITY_CANCELED);
    clear(&slot);

    submit(loop, &slot, (struct order){.type = "tidy", .heartbeat_ms = 100});
    await(&slot, has_beaten);
    activity_cancel(loop, &slot, ACTIVITY_PAUSED);
    activity_cancel(loop, &slot, ACTIVITY_NOT_FOUND);
    await(&slot, has_finished);
    assert_int_equal(slot.kind, ACTIVITY_DROPPED);
    clear(&slot);
    activity_loop_stop(loop);
}

/* Five seconds after the server's own deadlines; all of them at once, so that the story takes no
 * longer. */
static void a_task_that_the_server_has_given_up_is_ended(void **state)
{
    (void)state;
    struct activity_loop *loop =
        start("activity 'nap' { run = function() activity.sleep(60) end }\n"
              "activity 'busy' { run = function() while true do end end }\n"
              "activity 'stubborn' { run = function()\n"
              "  while true do pcall(activity.sleep, 60) end end }\n");
    static const struct order orders[] = {
        {.type = "nap",          .start_to_close_ms = 200},
        {                  .type = "busy",   .heartbeat_ms = 200                        },
        {     .type = "busy", .start_to_close_ms = 200,                         .heartbeat_ms = 60000},
        { .type = "stubborn", .start_to_close_ms = 200,                         .heartbeat_ms = 60000},
    };
    static const int late[] = {0, TASK_GRACE_MS, TASK_GRACE_MS, TASK_GRACE_MS};
    enum { COUNT = sizeof orders / sizeof *orders };
    struct slot slots[COUNT] = {0}, alive = {0};
    submit(loop, &alive, (struct order){.type = "nap", .heartbeat_ms = 200});
    for (int i = 0; i < COUNT; i++)
        submit(loop, &slots[i], orders[i]);
    for (int i = 0; i < COUNT; i++) {
        await(&slots[i], has_finished);
        assert_int_equal(slots[i].kind, ACTIVITY_DROPPED);
        assert_in_range(slots[i].finished_ms - slots[i].submitted_ms, TASK_GRACE_MS + 199 + late[i],
                        TASK_GRACE_MS + 199 + late[i] + TASK_GRACE_MS - 300);
        clear(&slots[i]);
    }
    assert_false(alive.finished);
    assert_true(alive.beats > 5);
    activity_loop_stop(loop);
    clear(&alive);
}

static void a_script_may_clean_up_after_it_was_cancelled(void **state)
{
    (void)state;
    struct activity_loop *loop = start(
        "activity 'tidy' { run = function()\n"
        "  local ok, err = pcall(activity.sleep, 60)\n"
        "  activity.sleep('10ms')\n"
        "  return { err.type, activity.cancelled(), (select(2, activity.cancelled())) } end }");
    struct slot slot = {0};
    submit(loop, &slot, (struct order){.type = "tidy", .heartbeat_ms = 100});
    await(&slot, has_beaten);
    activity_cancel(loop, &slot, ACTIVITY_CANCEL_REQUESTED);
    await(&slot, has_finished);
    check_result(&slot, "[\"CancelledError\",true,\"cancel_requested\"]");
    clear(&slot);
    activity_loop_stop(loop);
}

static void a_task_cancelled_before_it_waits_is_cancelled_when_it_does(void **state)
{
    (void)state;
    struct activity_loop *loop = start("activity 'busy' { run = function()\n"
                                       "  activity.heartbeat(1)\n"
                                       "  while not activity.cancelled() do end\n"
                                       "  activity.sleep(60) end }");
    struct slot slot = {0};
    submit(loop, &slot, (struct order){.type = "busy"});
    await(&slot, has_beaten);
    activity_cancel(loop, &slot, ACTIVITY_CANCEL_REQUESTED);
    await(&slot, has_finished);
    assert_int_equal(slot.kind, ACTIVITY_CANCELED);
    clear(&slot);
    activity_loop_stop(loop);
}

static void a_memory_bomb_fails_its_task_alone(void **state)
{
    (void)state;
    struct activity_loop *loop =
        start("activity 'bomb' { run = function()\n"
              "  local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end }\n"
              "activity 'fine' { run = function() activity.sleep('50ms') return 1 end }");
    struct slot bomb = {0}, fine = {0};
    submit(loop, &bomb, (struct order){.type = "bomb"});
    submit(loop, &fine, (struct order){.type = "fine"});
    await(&bomb, has_finished);
    await(&fine, has_finished);
    check_failure(&bomb, "OutOfMemory", "more memory");
    check_result(&fine, "1");
    clear(&bomb);
    clear(&fine);
    activity_loop_stop(loop);
}

static void a_task_that_calculates_delays_nobody(void **state)
{
    (void)state;
    struct activity_loop *loop =
        start("activity 'busy' { run = function() while true do end end }\n"
              "activity 'nap' { run = function() activity.sleep('50ms') end }");
    struct slot busy = {0}, naps[20] = {0};
    submit(loop, &busy, (struct order){.type = "busy"});
    for (int i = 0; i < 20; i++)
        submit(loop, &naps[i], (struct order){.type = "nap"});
    for (int i = 0; i < 20; i++) {
        await(&naps[i], has_finished);
        assert_in_range(naps[i].finished_ms - naps[i].submitted_ms, 49, PATIENCE_MS);
        clear(&naps[i]);
    }
    activity_loop_stop(loop);
    assert_true(busy.finished);
    assert_int_equal(busy.kind, ACTIVITY_DROPPED);
    clear(&busy);
}

static void scripts_that_do_not_load_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *script, *part;
    } cases[] = {
        {"activity 'x' { run = 7 }",
         "activities/story.lua:1: activity \"x\" has no function `run`"                                                 },
        {"\nlocal = 3",                                        "activities/story.lua:2:"                                },
        {"activity 'x' { run = function() end, retries = 3 }", "retries"                                                },
        {"tpyo = 1",                                           "activities/story.lua:1: assignment to the global 'tpyo'"},
        {"activity.sleep(1)",                                  "which the top level of a script cannot"                 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct activity_loop *loop = NULL;
        struct error err = {0};
        struct script_source source = {SPAN("activities/story.lua"), span_of(cases[i].script)};
        bool started = try_start(&loop, &source, 1, &err);
        if (started || !strstr(err.text, cases[i].part))
            fail_msg("\"%s\" is not in \"%s\"", cases[i].part, err.text);
    }
}

static void scripts_share_modules_and_no_names(void **state)
{
    (void)state;
    static const char a[] = "local money = require 'activities.money'\n"
                            "activity 'a' { run = function() return money.cents('1.50') end }";
    static const char b[] =
        "activity 'b' { run = function() return activity.info().activity_type end }";
    static const char again[] = "activity 'a' { run = function() end }";
    struct script_source sources[] = {
        {SPAN("activities/money.lua"),
         SPAN("return { cents = function(text) return text * 100 end }")},
        {SPAN("activities/a.lua"),     span_of(a)                       },
        {SPAN("activities/b.lua"),     span_of(b)                       },
        {SPAN("activities/again.lua"), span_of(again)                   },
    };
    struct activity_loop *loop = start_scripts(sources, 3);
    struct slot slot = {0};
    assert_string_equal(activity_names(loop)[0], "a");
    assert_string_equal(activity_names(loop)[1], "b");
    run(loop, &slot, "a", NULL);
    check_result(&slot, "150");
    clear(&slot);
    run(loop, &slot, "b", NULL);
    check_result(&slot, "\"b\"");
    clear(&slot);
    activity_loop_stop(loop);

    struct error err = {0};
    assert_false(try_start(&loop, sources, 4, &err));
    assert_non_null(strstr(
        err.text, "activity \"a\" is defined in activities/a.lua and in activities/again.lua"));
}

static void what_cannot_be_read_or_written_fails_the_task(void **state)
{
    (void)state;
    struct activity_loop *loop =
        start("activity 'echo' { run = function(x) return x end }\n"
              "activity 'details' { run = function() return activity.details() end }\n"
              "activity 'odd' { run = function() return { a = { print } } end }\n"
              "activity 'none' { run = function() end }");
    struct slot slot = {0};
    struct arena arena = {0};
    run(loop, &slot, "echo", "{\"a\":");
    check_failure(&slot, "DecodeError", "Failed decoding arguments");
    assert_false(failure_of(&slot, &arena)->application_failure_info->non_retryable);
    clear(&slot);
    submit(loop, &slot, (struct order){.type = "details", .details = "{"});
    await(&slot, has_finished);
    check_failure(&slot, "DecodeError", "details cannot be read");
    assert_true(failure_of(&slot, &arena)->application_failure_info->non_retryable);
    clear(&slot);
    run(loop, &slot, "odd", NULL);
    check_failure(&slot, "LuaError", "a[1]");
    clear(&slot);
    run(loop, &slot, "none", NULL);
    check_result(&slot, "");
    clear(&slot);
    arena_release(&arena);
    activity_loop_stop(loop);
}

static void no_secret_goes_into_a_failure(void **state)
{
    (void)state;
    setenv("STORY_KEY", "sesame-open", 1);
    struct activity_loop *loop =
        start("activity 'tell' { run = function()\n"
              "  local ok, err = pcall(error, ValueError('cause: ' .. secret 'STORY_KEY'))\n"
              "  error(ApplicationError { message = 'key ' .. secret 'STORY_KEY', cause = err })\n"
              "end }");
    struct slot slot = {0};
    struct arena arena = {0};
    run(loop, &slot, "tell", NULL);
    check_failure(&slot, "ApplicationError", "key ***");
    assert_string_equal(failure_of(&slot, &arena)->cause->message, "cause: ***");
    assert_null(memmem(slot.body.data, slot.body.size, "sesame", 6));
    clear(&slot);
    arena_release(&arena);
    activity_loop_stop(loop);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_task_runs_and_its_result_comes_back),
        cmocka_unit_test(what_a_script_keeps_belongs_to_one_task),
        cmocka_unit_test(a_top_level_that_does_not_end_is_refused_where_it_is),
        cmocka_unit_test(scripts_can_be_checked_without_a_loop),
        cmocka_unit_test(a_type_that_no_script_defines_fails_and_names_those_there_are),
        cmocka_unit_test(typed_errors_become_failures),
        cmocka_unit_test(heartbeats_carry_details_to_the_next_attempt),
        cmocka_unit_test(a_task_that_waits_beats_by_itself_and_keeps_its_details),
        cmocka_unit_test(why_it_was_cancelled_decides_what_the_server_hears),
        cmocka_unit_test(the_weightiest_reason_counts),
        cmocka_unit_test(a_task_that_the_server_has_given_up_is_ended),
        cmocka_unit_test(a_script_may_clean_up_after_it_was_cancelled),
        cmocka_unit_test(a_task_cancelled_before_it_waits_is_cancelled_when_it_does),
        cmocka_unit_test(a_memory_bomb_fails_its_task_alone),
        cmocka_unit_test(a_task_that_calculates_delays_nobody),
        cmocka_unit_test(scripts_share_modules_and_no_names),
        cmocka_unit_test(what_cannot_be_read_or_written_fails_the_task),
        cmocka_unit_test(no_secret_goes_into_a_failure),
        cmocka_unit_test(scripts_that_do_not_load_are_refused_with_their_line),
    };
    return RUN_STORIES("activity loop", stories);
}

/* Waiting: cancellation ends any wait at once, and however many wait, nobody is late. */
#include "bench.h"
#include "worker_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* At once is some ms on a machine of its own, where other waits take a minute. Late is a share of
 * the CPU time that was spent: the machine may be slow, and busy with others. */
enum { AT_ONCE_MS = 8000, MANY = 1000, LATE_SHARE = 4 };

static struct child server, cluster;
static char script[8192];

static const char waits[] =
    "local server, database = 'http://127.0.0.1:%d', '%s'\n"
    "activity 'sleep' { run = function() activity.heartbeat(1) activity.sleep(60) end }\n"
    "activity 'http' { run = function() activity.heartbeat(1) http.get(server .. '/never') end }\n"
    "activity 'drip' { run = function() activity.heartbeat(1) http.get(server .. '/drip') end }\n"
    "activity 'stream' { run = function()\n"
    "  http.get(server .. '/drip', { stream = function() activity.heartbeat(1) end }) end }\n"
    "activity 'retry' { run = function() activity.heartbeat(1)\n"
    "  http.get(server .. '/status?code=503&retry_after=60', { retry = 2 }) end }\n"
    "activity 'query' { run = function() local db = pg.connect(database)\n"
    "  activity.heartbeat(1) db:query 'SELECT pg_sleep(60)' end }\n"
    "activity 'transaction' { run = function() local db = pg.connect(database)\n"
    "  db:transaction(function(tx) activity.heartbeat(1) tx:query 'SELECT pg_sleep(60)' end) end "
    "}\n"
    "activity 'copy' { run = function()\n"
    "  local db, other = pg.connect(database), pg.connect(database)\n"
    "  db:exec 'CREATE TABLE IF NOT EXISTS held (i int)'\n"
    "  other:exec 'BEGIN; LOCK TABLE held'\n"
    "  local chunk = ('1\\n'):rep(500000)\n"
    "  db:copy('COPY held FROM STDIN', function() activity.heartbeat(1) return chunk end) end }\n"
    "activity 'copy_out' { run = function() local db = pg.connect(database)\n"
    "  db:copy_out('COPY (SELECT pg_sleep(0.01 * i) FROM generate_series(1, 1000) i) TO STDOUT',\n"
    "    function() activity.heartbeat(1) end) end }\n"
    "activity 'slow' { run = function() return http.get(server .. "
    "'/slow?seconds=2'):json().sent_ms end }\n"
    "activity 'busy' { run = function() while not activity.cancelled() do end end }\n"
    "activity 'ticks' { run = function()\n"
    "  local longest, began = 0, os.clock()\n"
    "  local last = began\n"
    "  while pcall(activity.sleep, '5ms') do\n"
    "    local now = os.clock()\n"
    "    longest, last = math.max(longest, now - last), now\n"
    "  end\n"
    "  return ('%%d %%d'):format(longest * 1000, (last - began) * 1000) end }\n"
    "activity 'read' { run = function()\n"
    "  return #json.decode('[' .. ('{\"a\":1,\"b\":\"xyz\",\"c\":[]},'):rep(6e5) .. '1]') end }\n"
    "local named = { url = database, application_name = 'left open' }\n"
    "activity 'leave_open' { run = function() pg.connect(named):query 'SELECT 1' end }\n"
    "local function fall_to(least, db, query)\n"
    "  local found\n"
    "  for _ = 1, 400 do\n" /* the server takes its time to hear of what ended */
    "    found = #db:query(query)\n"
    "    if found <= least then break end\n"
    "    activity.sleep '50ms'\n"
    "  end\n"
    "  return found end\n"
    "activity 'connections' { run = function() return fall_to(1, pg.connect(named),\n"
    "  [[SELECT 1 FROM pg_stat_activity WHERE application_name = 'left open']]) end }\n"
    "activity 'count' { run = function() return fall_to(0, pg.connect(database),\n"
    "  [[SELECT 1 FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()\n"
    "    AND backend_type = 'client backend']]) end }\n";

static int open_all(void **state)
{
    (void)state;
    unsetenv("http_proxy");
    server = child_start((const char *const[]){"python3", "tests/fakes/fault_server.py", NULL});
    cluster = child_start((const char *const[]){"python3", "tests/unit/activity/cluster.py", NULL});
    snprintf(script, sizeof script, waits, atoi(server.line), cluster.line);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    child_end(&server);
    child_end(&cluster);
    return 0;
}

static void cancellation_ends_any_wait_at_once(void **state)
{
    (void)state;
    static const char *const types[] = {"sleep", "http",        "drip", "stream",  "retry",
                                        "query", "transaction", "copy", "copy_out"};
    struct activity_loop *loop = start(script);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct slot slot = {0};
        submit(loop, &slot, (struct order){.type = types[i]});
        await(&slot, has_beaten);
        int64_t from = clock_monotonic_ms();
        activity_cancel(loop, &slot, ACTIVITY_CANCEL_REQUESTED);
        await(&slot, has_finished);
        printf("  %s: ended %d ms after its cancellation\n", types[i],
               (int)(slot.finished_ms - from));
        assert_int_equal(slot.kind, ACTIVITY_CANCELED);
        assert_in_range(slot.finished_ms - from, 0, AT_ONCE_MS);
        clear(&slot);
    }
    activity_loop_stop(loop);
}

static void the_server_is_told_of_a_cancelled_statement(void **state)
{
    (void)state;
    struct activity_loop *loop = start(script);
    struct slot slot = {0};
    submit(loop, &slot, (struct order){.type = "transaction"});
    await(&slot, has_beaten);
    activity_cancel(loop, &slot, ACTIVITY_CANCEL_REQUESTED);
    await(&slot, has_finished);
    clear(&slot);
    run(loop, &slot, "count", NULL);
    check_result(&slot, "0");
    clear(&slot);
    activity_loop_stop(loop);
}

static void a_loop_that_stops_leaves_no_wait_behind(void **state)
{
    (void)state;
    static const char *const types[] = {"sleep", "http", "query", "copy"};
    enum { COUNT = sizeof types / sizeof *types };
    struct activity_loop *loop = start(script);
    struct slot slots[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        submit(loop, &slots[i], (struct order){.type = types[i]});
        await(&slots[i], has_beaten);
    }
    activity_loop_stop(loop);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(slots[i].finished);
        assert_int_equal(slots[i].kind, ACTIVITY_DROPPED);
        clear(&slots[i]);
    }
}

static void a_connection_left_open_is_closed_with_its_task(void **state)
{
    (void)state;
    struct activity_loop *loop = start(script);
    struct slot slot = {0};
    for (int i = 0; i < 5; i++) {
        run(loop, &slot, "leave_open", NULL);
        assert_int_equal(slot.kind, ACTIVITY_COMPLETED);
        clear(&slot);
    }
    run(loop, &slot, "connections", NULL);
    check_result(&slot, "1");
    clear(&slot);
    activity_loop_stop(loop);
}

/* How long the loop's thread calculated before it came back to somebody who waits: each time a
 * small part of all that it had to. */
static void was_never_away_for_long(struct activity_loop *loop, struct slot *ticks)
{
    struct arena arena = {0};
    int longest_ms, all_ms;
    activity_cancel(loop, ticks, ACTIVITY_CANCEL_REQUESTED);
    await(ticks, has_finished);
    assert_int_equal(sscanf(result_of(ticks, &arena), "\"%d %d", &longest_ms, &all_ms), 2);
    printf("  longest absence %d ms of %d ms of CPU\n", longest_ms, all_ms);
    assert_in_range(longest_ms, 0, all_ms / LATE_SHARE);
    arena_release(&arena);
    clear(ticks);
}

static void one_that_reads_much_keeps_nobody_waiting(void **state)
{
    (void)state;
    struct activity_loop *loop = start(script);
    struct slot ticks = {0}, slot = {0};
    submit(loop, &ticks, (struct order){.type = "ticks"});
    run(loop, &slot, "read", NULL);
    check_result(&slot, "600001");
    clear(&slot);
    was_never_away_for_long(loop, &ticks);
    activity_loop_stop(loop);
}

static void a_thousand_wait_beside_one_that_calculates_and_none_is_late(void **state)
{
    (void)state;
    struct activity_loop *loop = start(script);
    struct slot busy = {0}, ticks = {0};
    struct slot *slots = calloc(MANY, sizeof *slots);
    struct arena arena = {0};
    int64_t latest = 0;
    submit(loop, &ticks, (struct order){.type = "ticks"});
    submit(loop, &busy, (struct order){.type = "busy"});
    for (int i = 0; i < MANY; i++) {
        char seconds[32];
        snprintf(seconds, sizeof seconds, "%.3f", 2 + i / (double)MANY);
        submit(loop, &slots[i], (struct order){.type = "slow", .input = seconds});
    }
    for (int i = 0; i < MANY; i++) {
        await(&slots[i], has_finished);
        int64_t delay = slots[i].finished_ms - strtoll(result_of(&slots[i], &arena), NULL, 10);
        latest = delay > latest ? delay : latest;
        clear(&slots[i]);
    }
    printf("  the latest of %d: %d ms after its answer was sent\n", MANY, (int)latest);
    was_never_away_for_long(loop, &ticks);
    activity_cancel(loop, &busy, ACTIVITY_CANCEL_REQUESTED);
    await(&busy, has_finished);
    clear(&busy);
    arena_release(&arena);
    free(slots);
    activity_loop_stop(loop);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(cancellation_ends_any_wait_at_once),
        cmocka_unit_test(the_server_is_told_of_a_cancelled_statement),
        cmocka_unit_test(a_connection_left_open_is_closed_with_its_task),
        cmocka_unit_test(a_loop_that_stops_leaves_no_wait_behind),
        cmocka_unit_test(one_that_reads_much_keeps_nobody_waiting),
        cmocka_unit_test(a_thousand_wait_beside_one_that_calculates_and_none_is_late),
    };
    return cmocka_run_group_tests_name("activity waits", stories, open_all, close_all);
}

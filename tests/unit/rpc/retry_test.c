/* When is a failed attempt tried again? Each row of docs/protocol.md, Retries, without a
 * clock and without a server. */
#include "story.h"

#include "rpc/retry.h"

enum { START_MS = 1000000, MIDDLE = 50 };

static const char too_large[] = "grpc: received message larger than max (5 vs. 4)";

static int64_t ask(struct retry *r, int status, const char *message, int64_t now_ms)
{
    struct retry_failure failure = {.status = status, .message = span_of(message)};
    return retry_after_ms(r, &failure, now_ms, MIDDLE / 100.0);
}

static struct retry fresh(enum rpc_retry kind)
{
    struct retry r;
    retry_init(&r, kind, 0, START_MS);
    return r;
}

static int64_t first_answer(enum rpc_retry kind, int status, const char *message)
{
    struct retry r = fresh(kind);
    return ask(&r, status, message, START_MS);
}

static void each_status_has_its_answer(void **state)
{
    (void)state;
    static const struct {
        int status;
        int64_t client_ms; /* client, task */
        int64_t wait_ms;
        int64_t poll_ms;
    } rows[] = {
        {RPC_CANCELLED,           RETRY_NEVER, 100,         200 },
        {RPC_UNKNOWN,             100,         100,         200 },
        {RPC_INVALID_ARGUMENT,    RETRY_NEVER, RETRY_NEVER, 200 },
        {RPC_DEADLINE_EXCEEDED,   RETRY_NEVER, 100,         200 },
        {RPC_NOT_FOUND,           RETRY_NEVER, RETRY_NEVER, 200 },
        {RPC_ALREADY_EXISTS,      RETRY_NEVER, RETRY_NEVER, 200 },
        {RPC_PERMISSION_DENIED,   RETRY_NEVER, RETRY_NEVER, 200 },
        {RPC_RESOURCE_EXHAUSTED,  1000,        1000,        1000},
        {RPC_FAILED_PRECONDITION, RETRY_NEVER, RETRY_NEVER, 200 },
        {RPC_ABORTED,             100,         100,         200 },
        {RPC_OUT_OF_RANGE,        100,         100,         200 },
        {RPC_UNIMPLEMENTED,       RETRY_NEVER, RETRY_NEVER, 200 },
        {RPC_INTERNAL,            100,         100,         200 },
        {RPC_UNAVAILABLE,         100,         100,         200 },
        {RPC_DATA_LOSS,           100,         100,         200 },
        {RPC_UNAUTHENTICATED,     RETRY_NEVER, RETRY_NEVER, 200 },
        {99,                      RETRY_NEVER, RETRY_NEVER, 200 },
        {-1,                      RETRY_NEVER, RETRY_NEVER, 200 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status = rows[i].status;
        bool right = first_answer(RPC_CLIENT, status, "x") == rows[i].client_ms &&
                     first_answer(RPC_TASK, status, "x") == rows[i].client_ms &&
                     first_answer(RPC_WAIT, status, "x") == rows[i].wait_ms &&
                     first_answer(RPC_LONG_POLL, status, "x") == rows[i].poll_ms &&
                     first_answer(RPC_ONCE, status, "x") == RETRY_NEVER;
        if (!right)
            fail_msg("%s (%d)", rpc_status_name(status), status);
    }
}

static void pauses_grow_to_their_limit(void **state)
{
    (void)state;
    static const int64_t task_ms[] = {100, 170, 289, 491, 835, 1419, 2413, 4103, 5000, 5000};
    static const int64_t poll_ms[] = {200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000, 10000};
    struct retry task = fresh(RPC_TASK);
    struct retry poll = fresh(RPC_LONG_POLL);
    for (int i = 0; i < 10; i++) {
        assert_in_range(ask(&task, RPC_UNAVAILABLE, "", START_MS), task_ms[i], task_ms[i] + 1);
        assert_int_equal(ask(&poll, RPC_UNAVAILABLE, "", START_MS), poll_ms[i]);
    }
}

static void jitter_is_a_fifth_to_either_side(void **state)
{
    (void)state;
    struct retry_failure failure = {.status = RPC_UNAVAILABLE};
    struct retry low = fresh(RPC_CLIENT);
    struct retry high = fresh(RPC_CLIENT);
    assert_int_equal(retry_after_ms(&low, &failure, START_MS, 0), 80);
    assert_in_range(retry_after_ms(&high, &failure, START_MS, 0.999), 119, 120);
}

static void throttling_doubles_from_a_second_to_ten(void **state)
{
    (void)state;
    static const int64_t expected_ms[] = {1000, 2000, 4000, 8000, 10000, 10000};
    struct retry r = fresh(RPC_TASK);
    for (int i = 0; i < 6; i++)
        assert_int_equal(ask(&r, RPC_RESOURCE_EXHAUSTED, "rate limit", START_MS), expected_ms[i]);

    struct retry mixed = fresh(RPC_LONG_POLL);
    for (int i = 0; i < 5; i++)
        ask(&mixed, RPC_UNAVAILABLE, "", START_MS);
    assert_int_equal(ask(&mixed, RPC_RESOURCE_EXHAUSTED, "", START_MS), 6400);
    assert_int_equal(ask(&mixed, RPC_RESOURCE_EXHAUSTED, "", START_MS), 10000);
}

static void a_message_that_is_too_large_stays_so(void **state)
{
    (void)state;
    static const char *const forms[] = {
        too_large,
        "grpc: message after decompression larger than max (5 vs. 4)",
        "grpc: received message after decompression larger than max (5 vs. 4)",
        "grpc: trying to send message larger than max (5 vs. 4)",
        "trying to send message larger than max (5 vs. 4)",
        "grpc: message too large (5 bytes)",
        "Received message larger than max (5 vs. 4)",
        "Sent message larger than max (5 vs. 4)",
        "CLIENT: Received message larger than max (5 vs. 4)",
        "SERVER: SENT MESSAGE LARGER THAN MAX (5 vs. 4)",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (enum rpc_retry kind = RPC_CLIENT; kind <= RPC_WAIT; kind++)
            assert_int_equal(first_answer(kind, RPC_RESOURCE_EXHAUSTED, forms[i]), RETRY_NEVER);
    assert_int_equal(first_answer(RPC_CLIENT, RPC_UNAVAILABLE, too_large), 100);
    assert_int_equal(
        first_answer(RPC_CLIENT, RPC_RESOURCE_EXHAUSTED, "a value larger than max message"), 1000);
    assert_int_equal(first_answer(RPC_CLIENT, RPC_RESOURCE_EXHAUSTED, ""), 1000);
}

static void a_call_gives_up_when_its_time_is_over(void **state)
{
    (void)state;
    struct retry client = fresh(RPC_CLIENT);
    struct retry task = fresh(RPC_TASK);
    struct retry poll = fresh(RPC_LONG_POLL);
    struct retry wait = fresh(RPC_WAIT);
    assert_int_equal(ask(&client, RPC_UNAVAILABLE, "", START_MS + 9899), 100);
    assert_int_equal(ask(&client, RPC_UNAVAILABLE, "", START_MS + 9900), RETRY_NEVER);
    assert_int_equal(ask(&task, RPC_UNAVAILABLE, "", START_MS + 59899), 100);
    assert_int_equal(ask(&task, RPC_UNAVAILABLE, "", START_MS + 59900), RETRY_NEVER);
    int64_t days_ms = 30LL * 86400 * 1000;
    assert_int_equal(ask(&poll, RPC_UNAVAILABLE, "", START_MS + days_ms), 200);
    assert_int_equal(ask(&wait, RPC_UNAVAILABLE, "", START_MS + days_ms), 100);
}

static void a_longer_deadline_makes_a_longer_call(void **state)
{
    (void)state;
    struct retry r;
    retry_init(&r, RPC_CLIENT, 30000, START_MS);
    assert_int_equal(ask(&r, RPC_UNAVAILABLE, "", START_MS + 20000), 100);
    assert_int_equal(ask(&r, RPC_UNAVAILABLE, "", START_MS + 29900), RETRY_NEVER);
    retry_init(&r, RPC_CLIENT, 500, START_MS);
    assert_int_equal(ask(&r, RPC_UNAVAILABLE, "", START_MS + 9000), 100);
}

static void an_attempt_ends_within_the_call(void **state)
{
    (void)state;
    struct retry client = fresh(RPC_CLIENT);
    struct retry task = fresh(RPC_TASK);
    struct retry poll = fresh(RPC_LONG_POLL);
    struct retry wait = fresh(RPC_WAIT);
    assert_int_equal(retry_deadline_ms(&client, 0, START_MS), START_MS + 10000);
    assert_int_equal(retry_deadline_ms(&client, 0, START_MS + 4000), START_MS + 10000);
    assert_int_equal(retry_deadline_ms(&client, 500, START_MS + 4000), START_MS + 4500);
    assert_int_equal(retry_deadline_ms(&task, 0, START_MS), START_MS + 30000);
    assert_int_equal(retry_deadline_ms(&task, 0, START_MS + 50000), START_MS + 60000);
    assert_int_equal(retry_deadline_ms(&poll, 0, START_MS + 500000), START_MS + 570000);
    assert_int_equal(retry_deadline_ms(&wait, 0, START_MS + 500000), START_MS + 565000);
}

static void a_poll_bears_fatal_answers_for_a_minute(void **state)
{
    (void)state;
    struct retry r = fresh(RPC_LONG_POLL);
    int64_t first_ms = START_MS + 300000;
    assert_int_equal(ask(&r, RPC_UNIMPLEMENTED, "", first_ms), 200);
    assert_true(ask(&r, RPC_NOT_FOUND, "", first_ms + 59999) > 0);
    assert_int_equal(ask(&r, RPC_PERMISSION_DENIED, "", first_ms + 60000), RETRY_NEVER);
}

static void anything_else_in_between_starts_the_minute_anew(void **state)
{
    (void)state;
    struct retry r = fresh(RPC_LONG_POLL);
    assert_true(ask(&r, RPC_NOT_FOUND, "", START_MS) > 0);
    assert_true(ask(&r, RPC_UNAVAILABLE, "", START_MS + 50000) > 0);
    assert_true(ask(&r, RPC_NOT_FOUND, "", START_MS + 70000) > 0);
    assert_true(ask(&r, RPC_NOT_FOUND, "", START_MS + 129999) > 0);
    assert_int_equal(ask(&r, RPC_NOT_FOUND, "", START_MS + 130000), RETRY_NEVER);
}

static void GOAWAY_is_followed_at_once_but_only_once(void **state)
{
    (void)state;
    struct retry poll = fresh(RPC_LONG_POLL);
    assert_int_equal(ask(&poll, RPC_CANCELLED, "GOAWAY received", START_MS), 0);
    assert_int_equal(ask(&poll, RPC_CANCELLED, "GOAWAY received", START_MS), 200);
    assert_int_equal(first_answer(RPC_TASK, RPC_CANCELLED, "transport: connection closed"), 0);
    struct retry client = fresh(RPC_CLIENT);
    assert_int_equal(ask(&client, RPC_CANCELLED, "got goaway", START_MS), 0);
    assert_int_equal(ask(&client, RPC_CANCELLED, "got goaway", START_MS), RETRY_NEVER);
    assert_int_equal(first_answer(RPC_ONCE, RPC_CANCELLED, "GOAWAY"), RETRY_NEVER);
}

static void INTERNAL_can_be_made_final_for_all_but_polls(void **state)
{
    (void)state;
    for (enum rpc_retry kind = RPC_CLIENT; kind <= RPC_WAIT; kind++) {
        struct retry r = fresh(kind);
        r.internal_is_final = true;
        bool again = ask(&r, RPC_INTERNAL, "", START_MS) != RETRY_NEVER;
        assert_int_equal(again, kind == RPC_LONG_POLL || kind == RPC_WAIT);
    }
}

static void the_server_may_choose_the_pause(void **state)
{
    (void)state;
    static const struct {
        const char *pushback;
        enum rpc_retry kind;
        int64_t expected_ms;
    } rows[] = {
        {"750",         RPC_CLIENT,    750        },
        {"0",           RPC_CLIENT,    0          },
        {"750",         RPC_LONG_POLL, 750        },
        {"-1",          RPC_CLIENT,    RETRY_NEVER},
        {"soon",        RPC_TASK,      RETRY_NEVER},
        {"99999999999", RPC_TASK,      RETRY_NEVER},
        {"20000",       RPC_CLIENT,    RETRY_NEVER},
        {"-1",          RPC_LONG_POLL, 200        },
        {"-1",          RPC_WAIT,      RETRY_NEVER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct retry r = fresh(rows[i].kind);
        struct retry_failure failure = {.status = RPC_UNAVAILABLE,
                                        .pushback = span_of(rows[i].pushback)};
        if (retry_after_ms(&r, &failure, START_MS, 0.5) != rows[i].expected_ms)
            fail_msg("%s", rows[i].pushback);
    }
    struct retry r = fresh(RPC_CLIENT);
    struct retry_failure final = {.status = RPC_NOT_FOUND, .pushback = SPAN("5")};
    assert_int_equal(retry_after_ms(&r, &final, START_MS, 0.5), RETRY_NEVER);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(each_status_has_its_answer),
        cmocka_unit_test(pauses_grow_to_their_limit),
        cmocka_unit_test(jitter_is_a_fifth_to_either_side),
        cmocka_unit_test(throttling_doubles_from_a_second_to_ten),
        cmocka_unit_test(a_message_that_is_too_large_stays_so),
        cmocka_unit_test(a_call_gives_up_when_its_time_is_over),
        cmocka_unit_test(a_longer_deadline_makes_a_longer_call),
        cmocka_unit_test(an_attempt_ends_within_the_call),
        cmocka_unit_test(a_poll_bears_fatal_answers_for_a_minute),
        cmocka_unit_test(anything_else_in_between_starts_the_minute_anew),
        cmocka_unit_test(GOAWAY_is_followed_at_once_but_only_once),
        cmocka_unit_test(INTERNAL_can_be_made_final_for_all_but_polls),
        cmocka_unit_test(the_server_may_choose_the_pause),
    };
    return RUN_STORIES("retry", stories);
}

/* The ground floor: memory, maps, errors, redaction, metrics and mailboxes do what the rooms above
 * count on. */
#include "story.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mailbox.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/metric.h"
#include "base/redact.h"
#include "base/uuid.h"

static void an_error_reads_from_the_outside_in(void **state)
{
    (void)state;
    struct error err = {0};
    assert_false(error_set(&err, ERROR_CONFIG, "no such profile: %s", "prod"));
    assert_false(error_add(&err, "reading %s", "temporal.toml"));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_string_equal(err.text, "reading temporal.toml: no such profile: prod");
    errno = ENOENT;
    error_errno(&err, "opening %s", "x");
    assert_string_equal(err.text, "opening x: No such file or directory");
    assert_string_equal(error_kind_name(err.kind), "system");
}

static void an_arena_keeps_to_its_limit_and_forgets_in_one_move(void **state)
{
    (void)state;
    struct arena a = {.limit = 100000};
    char *text = arena_printf(&a, "%d-%s", 7, "seven");
    assert_string_equal(text, "7-seven");
    assert_non_null(arena_try(&a, 50000));
    assert_null(arena_try(&a, 60000));
    arena_reset(&a);
    assert_non_null(arena_try(&a, 60000));
    assert_int_equal((uintptr_t)arena_alloc(&a, 3) % 16, 0);
    arena_release(&a);
}

static void a_map_finds_what_was_put_through_growth_and_removal(void **state)
{
    (void)state;
    struct map m = {0};
    static int values[5000];
    for (uint64_t i = 0; i < 5000; i++)
        assert_null(map_put(&m, i * 7919, &values[i]));
    for (uint64_t i = 0; i < 5000; i += 2)
        assert_ptr_equal(map_remove(&m, i * 7919), &values[i]);
    for (uint64_t i = 0; i < 5000; i++)
        assert_ptr_equal(map_get(&m, i * 7919), i % 2 ? &values[i] : NULL);
    assert_int_equal(m.count, 2500);
    map_release(&m);

    assert_null(map_put_text(&m, span_of("run"), &values[1]));
    assert_null(map_put_text(&m, SPAN(""), &values[2]));
    assert_ptr_equal(map_put_text(&m, span_of("run"), &values[3]), &values[1]);
    assert_ptr_equal(map_get_text(&m, SPAN("")), &values[2]);
    assert_ptr_equal(map_remove_text(&m, SPAN("run")), &values[3]);
    assert_null(map_get_text(&m, SPAN("run")));
    map_release(&m);
}

static void a_secret_is_masked_wherever_it_stands(void **state)
{
    (void)state;
    assert_false(redact_register(SPAN("short")));
    assert_true(redact_register(SPAN("s3cr3t-value")));
    assert_true(redact_register(SPAN("p`w\"d$@:/%")));
    struct bytes text = {0};
    bytes_add_text(&text, "key=s3cr3t-value&again=s3cr3t-value");
    redact(&text);
    assert_string_equal(bytes_text(&text), "key=***&again=***");
    bytes_clear(&text);
    bytes_add_text(&text,
                   "p`w\"d$@:/% {\"key\":\"p`w\\\"d$@:/%\"} ?key=p%60w%22d%24%40%3A%2F%25&a=b");
    redact(&text);
    assert_string_equal(bytes_text(&text), "*** {\"key\":\"***\"} ?key=***&a=b");
    bytes_release(&text);
}

static void a_histogram_prints_as_prometheus_reads_it(void **state)
{
    (void)state;
    metric_count("temporal_request", "operation=\"StartWorkflowExecution\"", 2);
    metric_observe("temporal_request_latency", "operation=\"StartWorkflowExecution\"", 0.3);
    struct bytes out = {0};
    metric_write(&out, "namespace=\"default\"");
    assert_non_null(strstr(
        bytes_text(&out), "# TYPE temporal_request counter\ntemporal_request{namespace=\"default\","
                          "operation=\"StartWorkflowExecution\"} 2\n"));
    assert_non_null(
        strstr(bytes_text(&out), "operation=\"StartWorkflowExecution\",le=\"0.5\"} 1\n"));
    assert_non_null(
        strstr(bytes_text(&out), "operation=\"StartWorkflowExecution\",le=\"0.1\"} 0\n"));
    assert_non_null(strstr(bytes_text(&out), "le=\"+Inf\"} 1\n"));
    bytes_release(&out);
}

static void time_is_written_in_utc_with_milliseconds(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    clock_text(1768366800123, text);
    assert_string_equal(text, "2026-01-14T05:00:00.123Z");
    clock_text(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

struct note {
    struct letter letter;
    int number;
};

static void *send_thousand(void *box)
{
    for (int i = 0; i < 1000; i++) {
        struct note *note = memory_new(sizeof *note);
        note->number = i;
        assert_true(mailbox_send(box, &note->letter));
    }
    return NULL;
}

static void letters_of_one_sender_arrive_in_order_and_a_closed_box_refuses(void **state)
{
    (void)state;
    struct mailbox box;
    mailbox_init(&box, NULL, NULL);
    pthread_t sender;
    pthread_create(&sender, NULL, send_thousand, &box);
    int next = 0;
    while (next < 1000) {
        struct letter *letter = mailbox_wait(&box, -1);
        while (letter) {
            struct note *note = (struct note *)letter;
            letter = letter->next;
            assert_int_equal(note->number, next++);
            free(note);
        }
    }
    pthread_join(sender, NULL);
    assert_null(mailbox_wait(&box, clock_monotonic_ms() - 1));
    mailbox_close(&box);
    struct note late = {.number = 0};
    assert_false(mailbox_send(&box, &late.letter));
    assert_null(mailbox_wait(&box, -1));
    mailbox_release(&box);
}

static void a_uuid_is_random_and_of_version_4(void **state)
{
    (void)state;
    char a[UUID_SIZE];
    char b[UUID_SIZE];
    uuid_make(a);
    uuid_make(b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
    assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(an_error_reads_from_the_outside_in),
        cmocka_unit_test(an_arena_keeps_to_its_limit_and_forgets_in_one_move),
        cmocka_unit_test(a_map_finds_what_was_put_through_growth_and_removal),
        cmocka_unit_test(a_secret_is_masked_wherever_it_stands),
        cmocka_unit_test(a_histogram_prints_as_prometheus_reads_it),
        cmocka_unit_test(time_is_written_in_utc_with_milliseconds),
        cmocka_unit_test(letters_of_one_sender_arrive_in_order_and_a_closed_box_refuses),
        cmocka_unit_test(a_uuid_is_random_and_of_version_4),
    };
    return RUN_STORIES("base", stories);
}

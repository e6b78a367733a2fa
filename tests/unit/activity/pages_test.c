/* From a vendor's page to rows of COPY text: exact, complete, or refused with the place. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "activity/pages.h"

/* "name=spec; name=spec" */
static struct pages_plan *plan_of(const char *columns, const char *tz)
{
    struct error err = {0};
    struct pages_plan *plan = pages_plan_new();
    const struct zone *zone = tz ? zone_find(span_of(tz), &err) : NULL;
    char *copy = strdup(columns);
    char *rest = copy;
    for (char *one; (one = strsep(&rest, ";"));) {
        char *spec = strstr(one, ": ");
        one += strspn(one, " ");
        struct span name = {one, (size_t)(spec - one)};
        if (!pages_plan_column(plan, name, span_of(spec + 2), zone, &err))
            fail_msg("%s", err.text);
    }
    free(copy);
    return plan;
}

static void check_rows(const char *columns, const char *tz, const char *page, const char *wanted)
{
    struct error err = {0};
    struct pages_plan *plan = plan_of(columns, tz);
    size_t rows = 0;
    if (!pages_plan_add(plan, span_of(page), SPAN(""), &rows, &err))
        fail_msg("%s", err.text);
    assert_string_equal(bytes_text(&plan->rows), wanted);
    pages_plan_free(plan);
}

static void check_refused(const char *columns, const char *path, const char *page,
                          const char *wanted)
{
    struct error err = {0};
    struct pages_plan *plan = plan_of(columns, NULL);
    size_t rows = 0;
    bytes_add_text(&plan->rows, "earlier\n");
    if (pages_plan_add(plan, span_of(page), span_of(path), &rows, &err))
        fail_msg("taken: %s", bytes_text(&plan->rows));
    assert_string_equal(err.text, wanted);
    assert_int_equal(err.kind, ERROR_MALFORMED);
    assert_int_equal(plan->rows.size, strlen("earlier\n"));
    assert_int_equal(plan->row_count, 0);
    pages_plan_free(plan);
}

static const char everflow[] =
    "{\"table\":[{\"columns\":[{\"column_type\":\"affiliate\",\"id\":\"11\",\"label\":\"G2 - "
    "Meta\"},{\"column_type\":\"advertiser\",\"id\":\"1\",\"label\":\"CCW\"},{\"column_type\":"
    "\"date\",\"id\":\"1768366800\",\"label\":\"1768366800\"}],\"reporting\":{\"imp\":0,"
    "\"total_click\":5000,\"cv\":200,\"cvr\":4.0,\"payout\":9000.10,\"revenue\":20000.0}},"
    "{\"reporting\":{\"revenue\":0.30,\"cv\":0,\"total_click\":1,\"payout\":-1e-2},\"columns\":["
    "{\"id\":\"1768453199\",\"column_type\":\"date\"},{\"label\":null,\"id\":\"12\","
    "\"column_type\":\"affiliate\"},{\"column_type\":\"advertiser\",\"id\":1}]}],"
    "\"incomplete_results\":false}";

static void everflows_nested_table_becomes_flat_rows(void **state)
{
    (void)state;
    struct error err = {0};
    size_t rows = 0;
    struct pages_plan *plan =
        plan_of("date: date(epoch, America/New_York)! at columns[column_type=date].id;"
                "affiliate_id: int! at columns[column_type=affiliate].id;"
                "affiliate_label: text at columns[column_type=affiliate].label;"
                "advertiser_id: int! at columns[column_type=advertiser].id;"
                "clicks: int at reporting.total_click;"
                "revenue: money! at reporting.revenue; payout: money at reporting.payout",
                NULL);
    assert_true(pages_plan_add(plan, span_of(everflow), SPAN("table"), &rows, &err));
    assert_int_equal(rows, 2);
    assert_string_equal(bytes_text(&plan->rows),
                        "2026-01-14\t11\tG2 - Meta\t1\t5000\t20000.0\t9000.10\n"
                        "2026-01-14\t12\t\\N\t1\t1\t0.30\t-1e-2\n");
    pages_plan_free(plan);
}

static void money_stays_the_text_it_was(void **state)
{
    (void)state;
    check_rows("m: money", NULL,
               "[{\"m\":12.340},{\"m\":\"1500.50\"},{\"m\":0.1000000000000000055511151231257827},"
               "{\"m\":-0},{\"m\":123456789012345678901234567890.12},{\"m\":\"\"},{\"m\":null},{}]",
               "12.340\n1500.50\n0.1000000000000000055511151231257827\n-0\n"
               "123456789012345678901234567890.12\n\\N\n\\N\n\\N\n");
}

static void integers_keep_every_digit_or_are_refused(void **state)
{
    (void)state;
    check_rows("i: int", NULL,
               "[{\"i\":9223372036854775807},{\"i\":-9223372036854775808},{\"i\":\"120\"},"
               "{\"i\":5.0},{\"i\":1.2e3},{\"i\":0e9}]",
               "9223372036854775807\n-9223372036854775808\n120\n5\n1200\n0\n");
    static const char *const wrong[] = {"9223372036854775808",
                                        "-9223372036854775809",
                                        "1.5",
                                        "1e19",
                                        "true",
                                        "\"n/a\"",
                                        "\" 5\"",
                                        "[5]",
                                        "\"0x10\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char page[100];
        char why[200];
        struct span shown = span_of(wrong[i]);
        bool text = shown.data[0] == '"';
        snprintf(page, sizeof page, "[{\"i\":%s}]", wrong[i]);
        snprintf(why, sizeof why, "row 1: i: expected an integer of 64 bits, found %s%.*s%s",
                 text ? "'" : "", (int)shown.size - 2 * text, shown.data + text, text ? "'" : "");
        check_refused("i: int", "", page, why);
    }
}

static void text_is_escaped_for_copy_and_loses_only_nul(void **state)
{
    (void)state;
    check_rows("t: text", NULL,
               "[{\"t\":\"a\\tb\\nc\\rd\\\\e\"},{\"t\":\"\"},{\"t\":12.0},{\"t\":true},"
               "{\"t\":\"\\\\N\"},{\"t\":\"\\u00e9\\ud83d\\ude00\\u0000.\"}]",
               "a\\tb\\nc\\rd\\\\e\n\n12.0\ntrue\n\\\\N\n\xC3\xA9\xF0\x9F\x98\x80.\n");
    struct error err = {0};
    size_t rows;
    struct pages_plan *plan = plan_of("t: text; j: jsonb", NULL);
    assert_true(pages_plan_add(plan, SPAN("[{\"t\":\"\\u0000\\u0000\",\"j\":{\"a\":\"\\u0000\"}}]"),
                               SPAN(""), &rows, &err));
    assert_int_equal(plan->putter.nuls, 3);
    pages_plan_free(plan);
}

static void json_goes_in_as_it_stands(void **state)
{
    (void)state;
    check_rows("j: jsonb", NULL,
               "[{\"j\":{\"a\": [1.50,\"x\\\\\\ty\\u0000z\\\\u0000\"]}},{\"j\":\"q\\\"\\n\"},"
               "{\"j\":1.0},{\"j\":[]},{\"j\":null},{\"j\":\"\"}]",
               "{\"a\": [1.50,\"x\\\\\\\\\\\\tyz\\\\\\\\u0000\"]}\n\"q\\\\\"\\\\n\"\n1.0\n[]\n\\N\n"
               "\"\"\n");
}

static void days_and_times_are_read_in_their_zone(void **state)
{
    (void)state;
    check_rows("d: date; t: timestamptz", "America/New_York",
               "[{\"d\":\"2026-01-14\",\"t\":\"2026-01-14T05:00:00Z\"},"
               "{\"d\":\"2026-01-15T02:00:00Z\",\"t\":\"2026-07-01 12:30:00.123\"},"
               "{\"d\":\"2026-01-15T02:00:00\",\"t\":\"2026-01-14\"},"
               "{\"d\":\"2026-01-14T23:59:59-05:00\",\"t\":\"2026-01-14T05:00+05:30\"}]",
               "2026-01-14\t2026-01-14T05:00:00Z\n"
               "2026-01-14\t2026-07-01 12:30:00.123-04:00\n"
               "2026-01-15\t2026-01-14 00:00:00-05:00\n"
               "2026-01-14\t2026-01-14T05:00+05:30\n");
    check_rows("t: timestamptz(epoch); m: timestamptz(epoch_ms) at t; d: date(epoch, UTC) at t",
               NULL, "[{\"t\":1768366800.25},{\"t\":\"-1\"},{\"t\":-1e-7}]",
               "2026-01-14 05:00:00.250000+00\t1970-01-21 11:12:46.800250+00\t2026-01-14\n"
               "1969-12-31 23:59:59+00\t1969-12-31 23:59:59.999000+00\t1969-12-31\n"
               "1969-12-31 23:59:59.999999+00\t1969-12-31 23:59:59.999999+00\t1969-12-31\n");
    check_refused("t: timestamptz", "", "[{\"t\":\"2026-01-14T05:00:00\"}]",
                  "row 1: t: expected a time with its offset, or timestamptz(ZONE), found "
                  "'2026-01-14T05:00:00'");
    check_refused("d: date(epoch, UTC)", "", "[{\"d\":1768366800000}]",
                  "row 1: d: expected seconds since 1970, found 1768366800000");
    check_refused("d: date", "", "[{\"d\":\"2026-02-30\"}]",
                  "row 1: d: expected a date (YYYY-MM-DD), found '2026-02-30'");
    check_refused("d: date", "", "[{\"d\":\"01/14/2026\"}]",
                  "row 1: d: expected a date (YYYY-MM-DD), found '01/14/2026'");
}

static void an_element_is_picked_by_any_of_its_members(void **state)
{
    (void)state;
    check_rows("a: int at l[k=x].v; b: int at l[n=7].v; c: int at l[3].v; d: int at l[k=no].v",
               NULL,
               "[{\"l\":[{\"k\":\"x\",\"n\":1,\"v\":10},{\"v\":20,\"n\":7},5,{\"n\":[7]}]},"
               "{\"l\":[{\"v\":1,\"n\":\"7\",\"k\":\"\\u0078\"},null,{\"v\":3}]}]",
               "10\t20\t\\N\t\\N\n1\t1\t3\t\\N\n");
    check_refused("a: int at l[k=x].v", "",
                  "[{\"l\":[{\"k\":\"x\",\"v\":1},{\"k\":\"x\",\"v\":2}]}]",
                  "row 1: 'v' occurs twice in one row");
}

static void the_first_path_that_has_a_value_counts(void **state)
{
    (void)state;
    check_rows(
        "c: money at cost | spend.usd | \"Total | Cost\"; p: text at list[2].x; w: jsonb at .",
        NULL,
        "[{\"cost\":null,\"spend\":{\"usd\":\"2.50\"},\"list\":[{\"x\":1},{\"x\":2}]},"
        "{\"Total | Cost\":3}]",
        "2.50\t2\t{\"cost\":null,\"spend\":{\"usd\":\"2.50\"},\"list\":[{\"x\":1},{\"x\":2}]}\n"
        "3\t\\N\t{\"Total | Cost\":3}\n");
}

static void what_is_missing_is_counted(void **state)
{
    (void)state;
    check_refused("id: int!; cv: int! at reporting.cv; label: text", "table",
                  "{\"table\":[{\"id\":1,\"reporting\":{\"cv\":1}},{\"id\":2},{\"id\":3,"
                  "\"reporting\":{\"cv\":\"\"}},{\"reporting\":[]}]}",
                  "required id (at id) is missing in 1 of 4 rows, first in row 4; required cv (at "
                  "reporting.cv) is missing in 3 of 4 rows, first in row 2");
}

static void a_page_that_is_not_what_it_should_be_is_refused_whole(void **state)
{
    (void)state;
    check_refused("i: int", "table", "{\"error\":\"bad key\",\"code\":7}",
                  "there is no 'table'; there is error, code");
    check_refused("i: int", "data.items", "{\"data\":{\"rows\":[]}}",
                  "there is no 'data.items'; there is rows");
    check_refused("i: int", "", "{\"items\":[]}", "expected a list of rows at '', found an object");
    check_refused("i: int", "table", "{\"table\":[{\"i\":1},{\"i\":2}",
                  "line 1, column 26: expected ',' or ']', found the end of the text");
    check_refused("i: int", "table", "{\"table\":[{\"i\":1}],\"x\":tru}",
                  "line 1, column 24: expected a value, found 't'");
    check_refused("i: int", "table", "{\"table\":[{\"i\":1}],\"table\":[]}",
                  "line 1, column 20: the key \"table\" occurs twice");
    check_refused("i: int", "", "[{\"i\":1,\"i\":2}]", "row 1: 'i' occurs twice in one row");
    check_refused("i: int", "", "<html>502</html>",
                  "line 1, column 1: expected a value, found '<'");
    check_refused("i: int at a.b", "", "[{\"a\":{\"b\":1}},{\"a\":{\"b\":\"x\"}}]",
                  "row 2: i (at a.b): expected an integer of 64 bits, found 'x'");
    check_rows("i: int", NULL, "[]", "");
}

static void a_list_that_is_null_has_no_rows(void **state)
{
    (void)state;
    struct error err = {0};
    size_t rows = 9;
    struct pages_plan *plan = plan_of("i: int", NULL);
    assert_true(pages_plan_add(plan, SPAN("{\"items\":null}"), SPAN("items"), &rows, &err));
    assert_int_equal(rows, 0);
    pages_plan_free(plan);
}

static void a_column_that_means_nothing_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"mony at x",
         "column c: 'mony at x': it must begin with a type: text, int, money, numeric, bool, date, "
         "timestamptz, jsonb"                                                                           },
        {"int at",            "column c: 'int at': behind the type may stand '!' and then 'at PATH'"    },
        {"int! x",            "column c: 'int! x': behind the type may stand '!' and then 'at PATH'"    },
        {"int(epoch)",        "column c: 'int(epoch)': only date and timestamptz take words in brackets"},
        {"date(epoch)",       "column c: 'date(epoch)': a day of an instant takes a zone: date(epoch, "
                        "America/New_York)"                                      },
        {"date(epoch, Mars)",
         "column c: 'date(epoch, Mars)': no time zone 'Mars': opening /usr/share/zoneinfo/Mars: No "
         "such file or directory"                                                                       },
        {"date(epoch",        "column c: 'date(epoch': a bracket is not closed"                         },
        {"int at a..b",       "column c: path 'a..b': a name is missing"                                },
        {"int at a[x=1",      "column c: path 'a[x=1': a bracket is not closed"                         },
        {"int at a[0]",       "column c: path 'a[0]': brackets hold a place from 1 or key=text"         },
        {"int at a[x]",       "column c: path 'a[x]': brackets hold a place from 1 or key=text"         },
        {"int at a[1]b",      "column c: path 'a[1]b': a dot is missing between two names"              },
        {"int at \"a",        "column c: path '\"a': a quote is not closed"                             },
        {"int at a | ",       "column c: path '': it is empty"                                          },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err = {0};
        struct pages_plan *plan = pages_plan_new();
        assert_false(pages_plan_column(plan, SPAN("c"), span_of(wrong[i][0]), NULL, &err));
        assert_string_equal(err.text, wrong[i][1]);
        pages_plan_free(plan);
    }
    struct error err = {0};
    struct pages_plan *plan = plan_of("c: int", NULL);
    assert_false(pages_plan_column(plan, SPAN("c"), SPAN("int"), NULL, &err));
    assert_string_equal(err.text, "column c: it is declared twice");
    pages_plan_free(plan);
}

static void columns_are_found_and_widened(void **state)
{
    (void)state;
    struct error err = {0};
    size_t rows;
    struct bytes out = {0};
    struct pages_plan *plan = pages_plan_new();
    pages_plan_infer(plan);
    assert_true(pages_plan_add(plan,
                               SPAN("[{\"id\":1,\"n\":null,\"at\":\"2026-01-14T05:00:00Z\","
                                    "\"ok\":true},{\"id\":9223372036854775807,\"m\":1,"
                                    "\"c\":{\"e\":\"x\",\"a\":{\"z\":\"9\",\"q\":{\"deep\":1}}},"
                                    "\"tags\":[\"a\\n\"]}]"),
                               SPAN(""), &rows, &err));
    assert_true(pages_plan_add(plan,
                               SPAN("[{\"m\":1.5,\"id\":2},{\"ok\":1,\"m\":18446744073709551616}]"),
                               SPAN(""), &rows, &err));
    pages_plan_take(plan, &out);
    assert_string_equal(bytes_text(&out),
                        "1\t2026-01-14T05:00:00Z\ttrue\t\\N\t\\N\t\\N\t\\N\t\\N\n"
                        "9223372036854775807\t\\N\t\\N\t1\tx\t9\t{\"deep\":1}\t[\"a\\\\n\"]\n"
                        "2\t\\N\t\\N\t1.5\t\\N\t\\N\t\\N\t\\N\n"
                        "\\N\t\\N\t1\t18446744073709551616\t\\N\t\\N\t\\N\t\\N\n");
    static const char *const found[][2] = {
        {"id",      "bigint"     },
        {"at",      "timestamptz"},
        {"ok",      "text"       },
        {"m",       "numeric"    },
        {"c__e",    "text"       },
        {"c__a__z", "text"       },
        {"c__a__q", "jsonb"      },
        {"tags",    "jsonb"      },
    };
    assert_int_equal(plan->count, sizeof found / sizeof *found);
    for (size_t i = 0; i < plan->count; i++) {
        assert_memory_equal(plan->columns[i].name.data, found[i][0], plan->columns[i].name.size);
        assert_string_equal(pages_type_sql(plan->columns[i].shape.type), found[i][1]);
    }
    bytes_release(&out);
    pages_plan_free(plan);
}

static const struct span nothing = {0};

static void a_scalar_is_found_without_a_table(void **state)
{
    (void)state;
    struct error err = {0};
    struct pages_value value;
    assert_true(pages_scalar(span_of(everflow), SPAN("incomplete_results"), nothing, &value, &err));
    assert_int_equal(value.kind, JSON_FALSE);
    assert_true(pages_scalar(span_of(everflow), SPAN("table[1].columns[column_type=date].id"),
                             nothing, &value, &err));
    assert_true(span_equal(value.text, SPAN("1768366800")));
    assert_true(pages_scalar(span_of(everflow), SPAN("paging.next"), nothing, &value, &err));
    assert_int_equal(value.kind, JSON_END);
    assert_false(pages_scalar(span_of(everflow), SPAN("table"), nothing, &value, &err));
    assert_string_equal(err.text, "at 'table' is a list, not a single value");
}

static void a_list_that_was_added_is_passed_over_for_a_scalar(void **state)
{
    (void)state;
    struct error err = {0};
    struct pages_value value;
    struct pages_plan *plan = plan_of("a: int", NULL);
    struct span page = SPAN("{\"n\":[1],\"rows\":[{\"a\":1},{\"a\":[]}],\"next\":{\"page\":7}}");
    size_t rows;
    pages_plan_tolerate(plan);
    assert_true(pages_plan_add(plan, page, SPAN("rows"), &rows, &err));
    struct span list = plan->list;
    assert_true(span_equal(list, SPAN("[{\"a\":1},{\"a\":[]}]")));
    assert_true(pages_scalar(page, SPAN("next.page"), list, &value, &err));
    assert_true(span_equal(value.text, SPAN("7")));
    assert_true(pages_scalar(page, SPAN("rows[1].a"), list, &value, &err));
    assert_true(span_equal(value.text, SPAN("1")));
    assert_true(pages_scalar(page, SPAN("none"), list, &value, &err));
    assert_int_equal(value.kind, JSON_END);
    assert_true(pages_plan_add(plan, SPAN("{\"rows\":null}"), SPAN("rows"), &rows, &err));
    assert_int_equal(plan->list.size, 0);
    pages_plan_free(plan);
}

static void add_line(void *user, struct span path, const char *type)
{
    bytes_printf(user, "%.*s %s\n", (int)path.size, path.data, type ? type : "?");
}

static void a_tolerant_plan_counts_over_all_pages_what_does_not_fit(void **state)
{
    (void)state;
    struct error err = {0};
    struct pages_plan *plan = plan_of("n: int! at r.cv; t: text", NULL);
    size_t rows = 0;
    pages_plan_tolerate(plan);
    assert_true(pages_plan_add(plan,
                               SPAN("[{\"r\":{\"cv\":1},\"t\":\"a\"},{\"r\":{}},"
                                    "{\"r\":{\"cv\":\"n/a\"},\"t\":null}]"),
                               SPAN(""), &rows, &err));
    assert_true(
        pages_plan_add(plan, SPAN("[{\"r\":{\"cv\":null},\"t\":[1]}]"), SPAN(""), &rows, &err));
    assert_string_equal(bytes_text(&plan->rows), "1\ta\n\\N\t\\N\n\\N\t\\N\n\\N\t\\N\n");
    const struct pages_column *n = &plan->columns[0];
    assert_int_equal(n->missing, 2);
    assert_int_equal(n->first_missing, 2);
    assert_int_equal(n->absent, 1);
    assert_int_equal(n->misfits, 1);
    assert_int_equal(n->first_misfit, 3);
    assert_string_equal(n->misfit.data, "expected an integer of 64 bits, found 'n/a'");
    assert_int_equal(plan->columns[1].absent, 1);
    assert_int_equal(plan->columns[1].misfits, 1);
    pages_plan_free(plan);
}

static void strangers_are_noted_with_the_type_of_their_first_value(void **state)
{
    (void)state;
    struct error err = {0};
    struct bytes seen = {0};
    size_t rows = 0;
    struct pages_plan *plan = plan_of("n: int at r.cv; x: text at list[1].x", NULL);
    pages_plan_tolerate(plan);
    const char *page =
        "[{\"r\":{\"cv\":1,\"new one\":null,\"imp\":2.5},\"list\":[{\"x\":1,\"y\":2}]},"
        "{\"r\":{\"cv\":1,\"new one\":\"a\",\"imp\":\"b\"},\"deep\":{\"z\":1},\"never\":null}]";
    for (int i = 0; i < 2; i++)
        assert_true(pages_plan_add(plan, span_of(page), SPAN(""), &rows, &err));
    pages_plan_strangers(plan, add_line, &seen);
    assert_string_equal(bytes_text(&seen),
                        "r.\"new one\" text\nr.imp numeric\ndeep jsonb\nnever ?\n");
    bytes_release(&seen);
    pages_plan_free(plan);
}

static void there_is_an_end_of_strangers(void **state)
{
    (void)state;
    struct error err = {0};
    struct bytes page = {0};
    size_t rows = 0;
    struct pages_plan *plan = plan_of("n: int", NULL);
    pages_plan_tolerate(plan);
    bytes_add_text(&page, "[{\"n\":1");
    for (int i = 0; i < 1000; i++)
        bytes_printf(&page, ",\"id%d\":%d", i, i);
    bytes_add_text(&page, "}]");
    assert_true(pages_plan_add(plan, bytes_span(&page), SPAN(""), &rows, &err));
    assert_int_equal(plan->strangers, 300);
    bytes_release(&page);
    pages_plan_free(plan);
}

int main(void)
{
    struct bench bench;
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(everflows_nested_table_becomes_flat_rows),
        cmocka_unit_test(money_stays_the_text_it_was),
        cmocka_unit_test(integers_keep_every_digit_or_are_refused),
        cmocka_unit_test(text_is_escaped_for_copy_and_loses_only_nul),
        cmocka_unit_test(json_goes_in_as_it_stands),
        cmocka_unit_test(days_and_times_are_read_in_their_zone),
        cmocka_unit_test(an_element_is_picked_by_any_of_its_members),
        cmocka_unit_test(the_first_path_that_has_a_value_counts),
        cmocka_unit_test(what_is_missing_is_counted),
        cmocka_unit_test(a_page_that_is_not_what_it_should_be_is_refused_whole),
        cmocka_unit_test(a_list_that_is_null_has_no_rows),
        cmocka_unit_test(a_column_that_means_nothing_is_refused),
        cmocka_unit_test(columns_are_found_and_widened),
        cmocka_unit_test(a_tolerant_plan_counts_over_all_pages_what_does_not_fit),
        cmocka_unit_test(strangers_are_noted_with_the_type_of_their_first_value),
        cmocka_unit_test(there_is_an_end_of_strangers),
        cmocka_unit_test(a_scalar_is_found_without_a_table),
        cmocka_unit_test(a_list_that_was_added_is_passed_over_for_a_scalar),
    };
    int failed = RUN_STORIES("pages", stories);
    bench_open(&bench);
    failed += bench_stories(&bench, "tests/unit/activity/pages_stories.lua");
    bench_close(&bench);
    return failed;
}

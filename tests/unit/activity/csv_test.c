/* CSV: what a spreadsheet or an export writes is read alike, in whatever pieces it comes. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#include "activity/csv.h"

/* Rows as "field|field/field|field/", an error as "...!text". */
static void read_all(const char *text, size_t size, size_t piece, struct csv_options options,
                     struct bytes *out)
{
    struct csv_reader reader;
    struct error err = {0};
    enum csv_state state = CSV_MORE;
    csv_reader_init(&reader, &options);
    bytes_clear(out);
    for (size_t at = 0; at <= size && state != CSV_END && state != CSV_BAD;) {
        size_t take = size - at < piece ? size - at : piece;
        struct span input = {text + at, take};
        at += take ? take : 1;
        do {
            state = take ? csv_read(&reader, &input, &err) : csv_finish(&reader, &err);
            for (size_t i = 0; state == CSV_ROW && i < csv_field_count(&reader); i++) {
                bytes_add_text(out, i ? "|" : "");
                bytes_add_span(out, csv_field(&reader, i));
            }
            bytes_add_text(out, state == CSV_ROW ? "/" : "");
        } while (state == CSV_ROW);
    }
    if (state == CSV_BAD)
        bytes_printf(out, "!%s", err.text);
    csv_reader_release(&reader);
}

/* Whole and in pieces of every small size the result is the same. */
static void check(struct csv_options options, const char *text, const char *wanted)
{
    struct bytes out = {0};
    for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
        read_all(text, strlen(text), piece, options, &out);
        if (strcmp(bytes_text(&out), wanted) != 0)
            fail_msg("in pieces of %zu: got %s, wanted %s", piece, bytes_text(&out), wanted);
    }
    bytes_release(&out);
}

static const struct csv_options plain;

static void lines_end_in_any_of_three_ways(void **state)
{
    (void)state;
    check(plain, "a,b\r\n1,2\r\n", "a|b/1|2/");
    check(plain, "a,b\n1,2\n", "a|b/1|2/");
    check(plain, "a,b\r1,2\r", "a|b/1|2/");
    check(plain, "a,b\n1,2", "a|b/1|2/");
    check(plain, "a,\n,2", "a|/|2/");
    check(plain, ",", "|/");
    check(plain, "", "");
}

static void quotes_hold_separators_lines_and_quotes(void **state)
{
    (void)state;
    check(plain, "\"a,1\",\"b\r\nb\"\n\"say \"\"hi\"\"\",\"\"\n", "a,1|b\r\nb/say \"hi\"|/");
    check(plain, "5\" pipe,x\"y\"\n", "5\" pipe|x\"y\"/");
    check(plain, "\"a\"", "a/");
    check(plain, "x\n\"\"\n", "x//");
}

static void a_mark_in_front_is_taken_off_once(void **state)
{
    (void)state;
    check(plain,
          "\xEF\xBB\xBF"
          "a,b\n1,\xEF\xBB\xBF\n",
          "a|b/1|\xEF\xBB\xBF/");
    check(plain, "\xEF\xBB\xBF", "");
    check(plain, "\xEF\xBB\xBF\"a\",b\n", "a|b/");
    check(plain, "\xEF\xBB\x80,b\n", "\xEF\xBB\x80|b/");
    check(plain, "\xEF\xBB", "!line 1: byte 0xEF is not UTF-8");
}

static void an_empty_line_is_no_row_unless_rows_are_one_field(void **state)
{
    (void)state;
    check(plain, "\n\na,b\n\n1,2\n\r\n\n", "a|b/1|2/");
    check(plain, "a\n\n1\n", "a//1/");
}

static void rows_have_one_length(void **state)
{
    (void)state;
    check(plain, "a,b\n\n1,2,3\n", "a|b/!line 3: 3 fields, expected 2");
    check(plain, "a,b\n\"x\ny\",2\n1\n", "a|b/x\ny|2/!line 4: 1 field, expected 2");
    struct csv_options loose = {.short_rows = true};
    check(loose, "a,b\n1\n", "a|b/1/");
    check(loose, "a,b\n1,2,3\n", "a|b/!line 2: 3 fields, expected 2");
    struct csv_options three = {.columns = 3};
    check(three, "a,b\n", "!line 1: 2 fields, expected 3");
}

static void what_is_no_csv_is_refused_with_its_line(void **state)
{
    (void)state;
    check(plain, "a\n\"b\"c\n", "a/!line 2: text behind a closing quote");
    check(plain, "a\nb\n\"c\nd\n", "a/b/!line 3: a quote is never closed");
    check(plain, "a\nb\xE9\n", "a/!line 2: byte 0xE9 is not UTF-8");
    check(plain,
          "\xFF\xFE"
          "a",
          "!line 1: byte 0xFF is not UTF-8 (it looks like UTF-16)");
    check(plain, "\xC3,\xA9\n", "!line 1: byte 0xC3 is not UTF-8");
    struct csv_options small = {.field_max = 3};
    check(small, "abc,\"def\"\n", "abc|def/");
    check(small, "a,bcde\n", "!line 1: field 2 is larger than 3 bytes");
    check(small, "\"ab\"\"cd\"\n", "!line 1: field 1 is larger than 3 bytes");
    struct csv_options tab = {.separator = '\t'};
    check(tab, "a,b\tc\n", "a,b|c/");
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const char *const fields[] = {"plain",        "a,b",     "say \"hi\"",
                                         "two\r\nlines", " blank ", ""};
    struct span row[6];
    struct bytes text = {0};
    struct bytes out = {0};
    for (size_t i = 0; i < 6; i++)
        row[i] = span_of(fields[i]);
    csv_write(&text, row, 6, ',');
    csv_write(&text, row + 1, 1, ',');
    assert_string_equal(bytes_text(&text), "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\",\" "
                                           "blank \",\r\n\"a,b\"\r\n");
    bytes_clear(&text);
    csv_write(&text, row + 5, 1, ',');
    csv_write(&text, row, 1, ',');
    read_all(bytes_text(&text), text.size, 5, plain, &out);
    assert_string_equal(bytes_text(&out), "/plain/");
    bytes_clear(&text);
    csv_write(&text, &csv_mark, 1, ',');
    read_all(bytes_text(&text), text.size, 5, plain, &out);
    assert_string_equal(bytes_text(&out), "\xEF\xBB\xBF/");
    bytes_release(&text);
    bytes_release(&out);
}

int main(void)
{
    struct bench bench;
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(lines_end_in_any_of_three_ways),
        cmocka_unit_test(quotes_hold_separators_lines_and_quotes),
        cmocka_unit_test(a_mark_in_front_is_taken_off_once),
        cmocka_unit_test(an_empty_line_is_no_row_unless_rows_are_one_field),
        cmocka_unit_test(rows_have_one_length),
        cmocka_unit_test(what_is_no_csv_is_refused_with_its_line),
        cmocka_unit_test(what_is_written_reads_back),
    };
    int failed = RUN_STORIES("csv", stories);
    bench_open(&bench);
    failed += bench_stories(&bench, "tests/unit/activity/csv_stories.lua");
    bench_close(&bench);
    return failed;
}

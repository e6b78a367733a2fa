/* What counts as text, and how a place in a nested value is shown. */
#include "story.h"

#include "base/path.h"
#include "base/utf8.h"

static void text_of_any_script_is_valid(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "plain",
        "sixteen letters!",
        "caf\xc3\xa9",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "long enough for eight \xe2\x82\xac and then some more",
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(utf8_valid(span_of(good[i])));
}

static void what_is_no_text_is_found_at_its_byte(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        size_t good;
    } bad[] = {
        {{"\x80", 1},                       0 }, /* a tail without a head */
        {{"ab\xc3", 3},                     2 }, /* cut short */
        {{"ab\xe2\x82", 4},                 2 },
        {{"ab\xf0\x9f\x98", 5},             2 },
        {{"\xc3(", 2},                      0 }, /* a head without a tail */
        {{"\xc0\x80", 2},                   0 }, /* overlong forms */
        {{"\xc1\xbf", 2},                   0 },
        {{"\xe0\x9f\xbf", 3},               0 },
        {{"\xf0\x8f\xbf\xbf", 4},           0 },
        {{"\xed\xa0\x80", 3},               0 }, /* a surrogate */
        {{"\xf4\x90\x80\x80", 4},           0 }, /* beyond the last character */
        {{"\xf5\x80\x80\x80", 4},           0 },
        {{"\xff", 1},                       0 },
        {{"twenty letters, then\xff!", 22}, 20},
        {{"\xe2\x82\xac\xe2\x28\xa1", 6},   3 },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(utf8_prefix(bad[i].text), bad[i].good);
}

static void what_is_no_text_is_mended_byte_by_byte(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        const char *mended;
    } texts[] = {
        {{"", 0},                         ""               },
        {{"caf\xc3\xa9", 5},              "caf\xc3\xa9"    },
        {{"\xff", 1},                     "?"              },
        {{"a\x80\xed\xa0\x80z", 6},       "a????z"         },
        {{"ab\xf0\x9f\x98", 5},           "ab???"          },
        {{"\xe2\x82\xac\xe2\x28\xa1", 6}, "\xe2\x82\xac?(?"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bytes out = {0};
        utf8_mend(texts[i].text, &out);
        assert_string_equal(bytes_text(&out), texts[i].mended);
        bytes_release(&out);
    }
}

static void a_path_reads_as_the_way_to_the_value(void **state)
{
    (void)state;
    struct error err = {0};
    struct path commands = {.name = SPAN("commands")};
    struct path third = {.up = &commands, .index = 3};
    struct path name = {.up = &third, .name = SPAN("name")};

    assert_false(path_error(&name, &err, ERROR_SCRIPT, "no such %s", "field"));
    assert_string_equal(err.text, "commands[3].name: no such field");
    assert_int_equal(err.kind, ERROR_SCRIPT);
    path_error(NULL, &err, ERROR_SCRIPT, "not a table");
    assert_string_equal(err.text, "not a table");
}

static void a_long_path_leaves_room_for_the_reason(void **state)
{
    (void)state;
    struct error err = {0};
    struct path steps[400] = {0};

    for (size_t i = 0; i < 400; i++)
        steps[i] = (struct path){i ? &steps[i - 1] : NULL, SPAN("cause"), 0};
    path_error(&steps[399], &err, ERROR_LIMIT, "too deep");
    assert_non_null(strstr(err.text, "cause.cause: too deep"));
    assert_memory_equal(err.text, "...", 3);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(text_of_any_script_is_valid),
        cmocka_unit_test(what_is_no_text_is_found_at_its_byte),
        cmocka_unit_test(what_is_no_text_is_mended_byte_by_byte),
        cmocka_unit_test(a_path_reads_as_the_way_to_the_value),
        cmocka_unit_test(a_long_path_leaves_room_for_the_reason),
    };
    return RUN_STORIES("text and paths", stories);
}

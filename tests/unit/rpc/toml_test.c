/* temporal.toml is read as TOML 1.0 says, and what is wrong is refused with file and line. */
#include "story.h"

#include <stdlib.h>

#include "rpc/toml.h"

static struct toml parsed(const char *text)
{
    struct toml t;
    struct error err = {0};
    if (!toml_parse(&t, span_of(text), "t.toml", &err))
        fail_msg("%s\n%s", text, err.text);
    return t;
}

static const struct toml_entry *at(const struct toml *t, const char *a, const char *b)
{
    int table = toml_child(t, TOML_ROOT, a);
    int child = b ? toml_child(t, table, b) : table;
    assert_true(child != TOML_NONE);
    return &t->entries[child];
}

static void assert_text(const char *text, const char *expected)
{
    struct toml t = parsed(text);
    assert_int_equal(at(&t, "k", NULL)->kind, TOML_TEXT);
    assert_string_equal(at(&t, "k", NULL)->text, expected);
    toml_release(&t);
}

static void assert_refused(const char *text, const char *words)
{
    struct toml t;
    struct error err = {0};
    if (toml_parse(&t, span_of(text), "t.toml", &err))
        fail_msg("accepted: %s", text);
    assert_int_equal(err.kind, ERROR_CONFIG);
    if (!strstr(err.text, words))
        fail_msg("%s\nsays: %s\nnot:  %s", text, err.text, words);
}

static void the_four_kinds_of_strings_are_read(void **state)
{
    (void)state;
    assert_text("k = \"plain\"", "plain");
    assert_text("k = \"a\\tb\\\"c\\\\d\\u00e9\\U0001F600\"", "a\tb\"c\\d\xc3\xa9\xf0\x9f\x98\x80");
    assert_text("k = 'C:\\no\\escapes'", "C:\\no\\escapes");
    assert_text("k = \"\"", "");
    assert_text("k = \"\"\"\nfirst\nsecond\"\"\"", "first\nsecond");
    assert_text("k = \"\"\"a \\\n     b\"\"\"", "a b");
    assert_text("k = \"\"\"quotes \"\" within\"\"\"\"\"", "quotes \"\" within\"\"");
    assert_text("k = '''\r\nraw \\n\r\n'''", "raw \\n\n");
    assert_text("k = \"tab\there\" # comment", "tab\there");
}

static void tables_and_dotted_keys_name_the_same_places(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "[a]\nb = \"x\"\n",
        "[ a ]\n  b   =   \"x\"",
        "a.b = \"x\"",
        "a . b = \"x\"",
        "\"a\".'b' = \"x\"",
        "a = { b = \"x\" }",
        "# comment\r\n\r\n[a] # more\r\nb = \"x\"\r\n",
        "\xef\xbb\xbf[a]\nb='x'",
        "[a.c]\n[a]\nb = \"x\"",
        "a.c.d = 1\na.b = \"x\"",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct toml t = parsed(forms[i]);
        assert_string_equal(at(&t, "a", "b")->text, "x");
        toml_release(&t);
    }
}

static void other_values_are_checked_and_kept_out_of_the_way(void **state)
{
    (void)state;
    struct toml t =
        parsed("n = 12_000\nf = -3.5e+10\nh = 0xDEAD_beef\nd = 1979-05-27 07:32:00Z\n"
               "l = [1, [ \"a\", {x = 1} ],\n # why\n 2,\n]\ni = -inf\nyes = true\nno = false");
    assert_int_equal(at(&t, "n", NULL)->kind, TOML_OTHER);
    assert_int_equal(at(&t, "l", NULL)->kind, TOML_OTHER);
    assert_true(at(&t, "yes", NULL)->truth);
    assert_int_equal(at(&t, "no", NULL)->kind, TOML_BOOLEAN);
    assert_false(at(&t, "no", NULL)->truth);
    assert_int_equal(at(&t, "no", NULL)->line, 11);
    toml_release(&t);
}

static void entries_are_walked_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct toml t = parsed("[m]\nz = 1\na = 2\n[n]\nx = 3\n");
    int m = toml_child(&t, TOML_ROOT, "m");
    int first = toml_next(&t, m, TOML_NONE);
    int second = toml_next(&t, m, first);
    assert_string_equal(t.entries[first].key, "z");
    assert_string_equal(t.entries[second].key, "a");
    assert_int_equal(toml_next(&t, m, second), TOML_NONE);
    toml_release(&t);
}

static void what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"a = \"x\"\na = \"y\"",    "t.toml:2: \"a\" was already given on line 1"  },
        {"[a]\n\n[a]",              "t.toml:3: the table \"a\" was already given"  },
        {"[a]\nb = 1\n[a.b]",       "t.toml:3: the table \"b\" was already given"  },
        {"[a]\nb = 1\n[a.b.c]",     "t.toml:3: \"b\" was already given"            },
        {"a = {b = 1}\na.c = 2",    "t.toml:2: \"a\" was already given"            },
        {"a = {b = 1}\n[a.c]",      "t.toml:2: \"a\" was already given"            },
        {"[a.b.c]\n[a]\nb.c.d = 1", "t.toml:3: \"b\" was already given"            },
        {"a.b = 1\n[a]",            "the table \"a\" was already given"            },
        {"[[a]]",                   "arrays of tables"                             },
        {"[a",                      "expected ]"                                   },
        {"[]",                      "expected a key"                               },
        {"a",                       "expected = behind the key \"a\""              },
        {"= 1",                     "expected a key"                               },
        {"a = ",                    "expected a value"                             },
        {"a = word",                "text stands in quotes"                        },
        {"a = \"x\" y",             "expected the end of the line"                 },
        {"a = \"x",                 "without its closing \""                       },
        {"a = 'x\n'",               "without its closing '"                        },
        {"\na = \"\"\"x\n\ny",      "t.toml:2: a string without its closing \"\"\""},
        {"a = \"\\q\"",             "no such escape"                               },
        {"a = \"\\u12\"",           "hexadecimal"                                  },
        {"a = \"\\uD800\"",         "U+D800 cannot stand"                          },
        {"a = \"\\u0000\"",         "U+0000 cannot stand"                          },
        {"a = \"\x01\"",            "control character in a string"                },
        {"# \x02",                  "control character in a comment"               },
        {"a = \"\xff\"",            "not a text file in UTF-8"                     },
        {"a = 1__0",                "expected a value"                             },
        {"a = 012",                 "expected a value"                             },
        {"a = .5",                  "expected a value"                             },
        {"a = 1.",                  "expected a value"                             },
        {"a = 12abc",               "expected a value"                             },
        {"a = +0x12",               "expected a value"                             },
        {"a = [1 2]",               "expected , or ] in an array"                  },
        {"a = {b = 1,\n c = 2}",    "expected a key"                               },
        {"a = {b = 1 c = 2}",       "expected , or } in an inline table"           },
        {"a = {b = 1, b = 2}",      "\"b\" was already given"                      },
        {"\"\"\"k\"\"\" = 1",       "a key cannot be a multi-line string"          },
        {"a = \"x\"\r\rb = 1",      "expected the end of the line"                 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, cases[i].words);
}

static void a_secret_never_stands_in_a_complaint(void **state)
{
    (void)state;
    struct toml t;
    struct error err = {0};
    assert_false(toml_parse(&t, SPAN("api_key = hunter2hunter2"), "t.toml", &err));
    assert_null(strstr(err.text, "hunter2"));
    assert_false(toml_parse(&t, SPAN("api_key = \"hunter2\" hunter3"), "t.toml", &err));
    assert_null(strstr(err.text, "hunter"));
}

static void depth_and_size_have_an_end(void **state)
{
    (void)state;
    struct bytes text = {0};
    bytes_add_text(&text, "a = ");
    for (int i = 0; i < 100000; i++)
        bytes_add_char(&text, '[');
    assert_refused(bytes_text(&text), "nested deeper");
    bytes_clear(&text);
    for (int i = 0; i < 5000; i++)
        bytes_printf(&text, "k%d = 1\n", i);
    assert_refused(bytes_text(&text), "more than 4000 entries");
    bytes_clear(&text);
    bytes_add_text(&text, "a");
    for (int i = 0; i < 100; i++)
        bytes_add_text(&text, ".a");
    bytes_add_text(&text, " = 1");
    assert_refused(bytes_text(&text), "levels of tables");
    bytes_release(&text);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(the_four_kinds_of_strings_are_read),
        cmocka_unit_test(tables_and_dotted_keys_name_the_same_places),
        cmocka_unit_test(other_values_are_checked_and_kept_out_of_the_way),
        cmocka_unit_test(entries_are_walked_in_the_order_of_the_file),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(a_secret_never_stands_in_a_complaint),
        cmocka_unit_test(depth_and_size_have_an_end),
    };
    return RUN_STORIES("toml", stories);
}

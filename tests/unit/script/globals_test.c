/* Globals of a text, found without running it. */
#include "story.h"

#include "script/globals.h"

static void found(void *user, const struct global_use *use)
{
    bytes_printf(user, "%s%s:%d ", use->assigned ? "=" : "", use->name, use->line);
}

static void uses(const char *text, const char *expected)
{
    struct bytes seen = {0};

    globals_read(span_of(text), &(struct global_reader){found, &seen});
    assert_string_equal(bytes_text(&seen), expected);
    bytes_release(&seen);
}

static void reads_and_assignments_are_found_in_every_function(void **state)
{
    (void)state;
    uses("local a = print\nb = a.c\nreturn function(x)\n  return function() return d + x end\nend",
         "print:1 =b:2 d:4 ");
    uses("x = 1 x = nil x = {} x = function() end local y = 2 y = x", "=x:1 =x:1 =x:1 =x:1 x:1 ");
}

static void locals_upvalues_fields_and_methods_are_none(void **state)
{
    (void)state;
    uses("local a = {} a.b = 1 a:c() local function f(g) return g, a end for i = 1, 2 do f(i) end",
         "");
}

static void a_text_that_does_not_compile_has_none(void **state)
{
    (void)state;
    uses("local = 1 print()", "");
    uses("", "");
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(reads_and_assignments_are_found_in_every_function),
        cmocka_unit_test(locals_upvalues_fields_and_methods_are_none),
        cmocka_unit_test(a_text_that_does_not_compile_has_none),
    };

    return RUN_STORIES("globals", stories);
}

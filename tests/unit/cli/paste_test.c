/* What a terminal puts between its paste marks becomes text that may stand in a line. */
#include "story.h"

#include "cli/paste.h"

static void add(struct paste *paste, const wchar_t *text)
{
    for (; *text; text++)
        paste_add(paste, *text);
}

static void lines_and_tabs_are_kept_and_the_mark_is_not(void **state)
{
    (void)state;
    struct paste paste = {0};
    add(&paste, L"if x then\r\ty()\rend \u00fc");
    assert_false(paste_is_over(&paste));
    add(&paste, L"\r\r\033[201~");
    assert_true(paste_is_over(&paste));
    assert_int_equal(wcscmp(paste_text(&paste), L"if x then\n\ty()\nend \u00fc"), 0);
    paste_release(&paste);
}

static void a_paste_cannot_press_keys(void **state)
{
    (void)state;
    struct paste paste = {0};
    add(&paste, L"a\033[A\003b\004\033[201~");
    assert_int_equal(wcscmp(paste_text(&paste), L"a[Ab"), 0);
    paste_release(&paste);
}

static void nothing_pasted_is_nothing(void **state)
{
    (void)state;
    struct paste paste = {0};
    assert_int_equal(wcslen(paste_text(&paste)), 0);
    add(&paste, L"\033[201~");
    assert_true(paste_is_over(&paste));
    assert_int_equal(wcslen(paste_text(&paste)), 0);
    paste_release(&paste);
}

static void a_paste_without_end_ends_by_its_size(void **state)
{
    (void)state;
    struct paste paste = {0};
    while (!paste_is_over(&paste))
        paste_add(&paste, L'x');
    assert_int_equal(wcslen(paste_text(&paste)), 1 << 20);
    paste_release(&paste);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(lines_and_tabs_are_kept_and_the_mark_is_not),
        cmocka_unit_test(a_paste_cannot_press_keys),
        cmocka_unit_test(nothing_pasted_is_nothing),
        cmocka_unit_test(a_paste_without_end_ends_by_its_size),
    };
    return RUN_STORIES("cli/paste", stories);
}

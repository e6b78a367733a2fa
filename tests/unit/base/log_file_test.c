/* The log file has every line whole, secrets masked, and never more than its limit. */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_file.h"
#include "base/redact.h"

static char path[] = "/tmp/signalroom-log-XXXXXX";
static char old[sizeof path + 4];

static struct bytes content(const char *name)
{
    struct bytes text = {0};
    FILE *file = fopen(name, "rbe");
    assert_non_null(file);
    bytes_added(&text, fread(bytes_reserve(&text, 4096), 1, 4096, file));
    fclose(file);
    return text;
}

static void what_is_logged_is_in_the_file_as_json_with_secrets_masked(void **state)
{
    (void)state;
    struct error err = {0};
    redact_register(span_of("hunter2-hunter2"));
    assert_true(log_file_open(path, 4096, &err));
    log_event(LOG_WARNING, "key_rejected", "key", "hunter2-hunter2", NULL);
    log_event(LOG_DEBUG, "too_quiet", NULL);
    struct bytes text = content(path);
    assert_non_null(strstr(bytes_text(&text),
                           "{\"key\":\"***\",\"event\":\"key_rejected\",\"level\":\"warning\""));
    assert_null(strstr(bytes_text(&text), "too_quiet"));
    bytes_release(&text);
}

static void a_line_of_json_is_utf8_whatever_is_logged(void **state)
{
    (void)state;
    struct error err = {0};
    fclose(fopen(path, "we"));
    assert_true(log_file_open(path, 4096, &err));
    log_event(LOG_WARNING, "odd", "text", "caf\xe9 \xed\xa0\x80\x01", NULL);
    struct bytes text = content(path);
    assert_non_null(strstr(bytes_text(&text), "{\"text\":\"caf? ???\\u0001\",\"event\":\"odd\""));
    bytes_release(&text);
}

static void a_full_file_becomes_the_old_one(void **state)
{
    (void)state;
    struct error err = {0};
    fclose(fopen(path, "we"));
    assert_true(log_file_open(path, 20, &err));
    log_file_write(span_of("the first line\n"));
    log_file_write(span_of("the second line\n"));
    struct bytes now = content(path);
    struct bytes before = content(old);
    assert_string_equal(bytes_text(&now), "the second line\n");
    assert_string_equal(bytes_text(&before), "the first line\n");
    bytes_release(&now);
    bytes_release(&before);
}

static void a_file_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    struct error err = {0};
    assert_false(log_file_open("/no/such/folder/log", 4096, &err));
    assert_non_null(strstr(err.text, "/no/such/folder/log"));
    assert_false(log_file_is_open());
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(what_is_logged_is_in_the_file_as_json_with_secrets_masked),
        cmocka_unit_test(a_line_of_json_is_utf8_whatever_is_logged),
        cmocka_unit_test(a_full_file_becomes_the_old_one),
        cmocka_unit_test(a_file_that_cannot_be_is_an_error),
    };
    close(mkstemp(path));
    snprintf(old, sizeof old, "%s.old", path);
    int failed = RUN_STORIES("base/log_file", stories);
    unlink(path);
    unlink(old);
    return failed;
}

/* What a watch over the scripts folder tells, and how often. */
#include "story.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "scripts_folder.h"
#include "shortage.h"
#include "worker/watch.h"

enum { QUIET_MS = 40, NEVER_MS = 1 << 30, PATIENCE_MS = 60000 };

static uv_loop_t loop;
static uv_timer_t alarm_clock;
static struct watch *watch;
static int told;

static void changed(void *user, int64_t since_us)
{
    (void)user;
    assert_true(since_us > 0 && since_us <= clock_monotonic_us());
    told++;
    uv_stop(&loop);
}

static void ring(uv_timer_t *timer)
{
    (void)timer;
    uv_stop(&loop);
}

static int open_folder(void **state)
{
    if (scripts_folder_make(state) != 0)
        return -1;
    scripts_write("workflows/a.lua", "-- one");
    scripts_write("activities/b.lua", "-- one");
    told = 0;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &alarm_clock);
    return 0;
}

static void begin(int look_ms)
{
    struct error err = {0};
    const struct watch_options options = {scripts_folder(), QUIET_MS, look_ms, changed, NULL};

    if (!watch_open(&watch, &loop, &options, &err))
        fail_msg("%s", err.text);
}

static int close_folder(void **state)
{
    watch_close(watch);
    watch = NULL;
    uv_close((uv_handle_t *)&alarm_clock, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return scripts_folder_remove(state);
}

static void turn_for(int ms)
{
    uv_timer_start(&alarm_clock, ring, (uint64_t)ms, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void is_told(void)
{
    int before = told;

    turn_for(PATIENCE_MS);
    assert_int_equal(told, before + 1);
}

static void nothing_more_is_told(void)
{
    int before = told;

    turn_for(5 * QUIET_MS);
    assert_int_equal(told, before);
}

static void a_save_is_told_once(void **state)
{
    (void)state;
    begin(NEVER_MS);
    scripts_write("workflows/a.lua", "-- two");
    is_told();
    nothing_more_is_told();
    scripts_write("workflows/a.lua", "-- three");
    is_told();
}

static void a_file_that_is_renamed_into_place_is_told_once(void **state)
{
    (void)state;
    begin(NEVER_MS);
    scripts_write("workflows/.a.lua.swp", "swap");
    scripts_write("workflows/4913", "");
    scripts_delete("workflows/4913");
    scripts_rename("workflows/a.lua", "workflows/a.lua~");
    scripts_write("workflows/.a.lua.new", "-- two");
    scripts_rename("workflows/.a.lua.new", "workflows/a.lua");
    scripts_delete("workflows/.a.lua.swp");
    is_told();
    nothing_more_is_told();
}

static void what_editors_leave_is_not_told(void **state)
{
    (void)state;
    begin(NEVER_MS);
    scripts_write("workflows/.a.lua.swp", "swap");
    scripts_write("workflows/a.lua~", "backup");
    scripts_write("workflows/#a.lua#", "autosave");
    scripts_write("workflows/4913", "");
    scripts_delete("workflows/4913");
    nothing_more_is_told();
}

static void a_checkout_of_thirty_files_is_told_once(void **state)
{
    char name[64];

    (void)state;
    begin(NEVER_MS);
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "%s/f%d.lua", i % 2 ? "workflows" : "activities", i);
        scripts_write(name, "-- new");
    }
    is_told();
    nothing_more_is_told();
}

static void a_new_folder_is_watched_too(void **state)
{
    (void)state;
    begin(NEVER_MS);
    scripts_write("reports/mail/daily.mjml", "<mjml/>");
    is_told();
    scripts_write("reports/mail/daily.mjml", "<mjml></mjml>");
    is_told();
    scripts_write("reports/mail/parts/head.mjml", "");
    is_told();
    scripts_write("reports/mail/parts/head.mjml", "<head/>");
    is_told();
}

static void a_folder_in_place_of_another_is_watched(void **state)
{
    (void)state;
    begin(NEVER_MS);
    scripts_rename("workflows", ".old");
    scripts_write("workflows/a.lua", "-- two");
    is_told();
    scripts_write("workflows/a.lua", "-- three");
    is_told();
}

static void the_folder_itself_may_go_and_come_back(void **state)
{
    char gone[128];

    (void)state;
    begin(NEVER_MS);
    snprintf(gone, sizeof gone, "%s.gone", scripts_folder());
    assert_int_equal(rename(scripts_folder(), gone), 0);
    is_told();
    assert_int_equal(rename(gone, scripts_folder()), 0);
    is_told();
    nothing_more_is_told();
    scripts_write("workflows/a.lua", "-- two");
    is_told();
}

static void a_deletion_is_told(void **state)
{
    (void)state;
    begin(NEVER_MS);
    scripts_delete("workflows/a.lua");
    is_told();
}

static void a_folder_gets_its_eye_once_the_system_has_one(void **state)
{
    int before = shortage_watched();

    (void)state;
    shortage_of_watches(true);
    begin(QUIET_MS);
    shortage_of_watches(false);
    assert_int_equal(shortage_watched(), before);
    scripts_write("workflows/a.lua", "-- number two");
    is_told(); /* by a look */
    assert_true(shortage_watched() >= before + 3);
}

static void a_look_finds_what_no_event_tells(void **state)
{
    char outside[128], linked[128];

    (void)state;
    snprintf(outside, sizeof outside, "%s/.outside.lua", scripts_folder());
    snprintf(linked, sizeof linked, "%s/workflows/linked.lua", scripts_folder());
    scripts_write(".outside.lua", "-- one");
    assert_int_equal(symlink(outside, linked), 0);
    begin(QUIET_MS);
    nothing_more_is_told();
    scripts_write(".outside.lua", "-- number two");
    is_told();
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(a_save_is_told_once),
        STORY(a_file_that_is_renamed_into_place_is_told_once),
        STORY(what_editors_leave_is_not_told),
        STORY(a_checkout_of_thirty_files_is_told_once),
        STORY(a_new_folder_is_watched_too),
        STORY(a_folder_in_place_of_another_is_watched),
        STORY(the_folder_itself_may_go_and_come_back),
        STORY(a_deletion_is_told),
        STORY(a_folder_gets_its_eye_once_the_system_has_one),
        STORY(a_look_finds_what_no_event_tells),
    };

    return RUN_STORIES("watch", stories);
}

/* Days and zones: which business day an instant belongs to, also where clocks jump. */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>

#include "activity/day.h"
#include "activity/zone.h"

static const struct zone *find(const char *name)
{
    struct error err = {0};
    const struct zone *zone = zone_find(span_of(name), &err);
    if (!zone)
        fail_msg("%s", err.text);
    return zone;
}

static int64_t day_in(const char *text)
{
    int64_t day = 0;
    assert_true(day_read(span_of(text), &day));
    return day;
}

/* "2026-01-14 05:00:00" and an offset in seconds as an instant. */
static int64_t instant(const char *date, int hour, int minute, int offset)
{
    return day_in(date) * 86400 + hour * 3600 + minute * 60 - offset;
}

static void days_are_those_of_the_calendar(void **state)
{
    (void)state;
    char text[DAY_TEXT];
    assert_int_equal(day_in("1970-01-01"), 0);
    assert_int_equal(day_in("2026-01-14"), 20467);
    assert_int_equal(day_in("2000-03-01") - day_in("2000-02-28"), 2);
    assert_int_equal(day_in("1900-03-01") - day_in("1900-02-28"), 1);
    for (int64_t day = day_in("0000-01-01"); day <= day_in("9999-12-31"); day += 17) {
        day_write(day, text);
        assert_int_equal(day_in(text), day);
    }
    static const char *const wrong[] = {"2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00",
                                        "2026-1-14",  "14.01.2026", "2026-01-1x", "2026-01-14 ",
                                        "",           "+026-01-14"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t day;
        assert_false(day_read(span_of(wrong[i]), &day));
    }
}

static void a_business_day_begins_at_local_midnight(void **state)
{
    (void)state;
    const struct zone *ny = find("America/New_York");
    assert_int_equal(zone_day_start(ny, day_in("2026-01-14")), 1768366800);
    assert_int_equal(zone_day(ny, 1768366800), day_in("2026-01-14"));
    assert_int_equal(zone_day(ny, 1768366799), day_in("2026-01-13"));
    assert_int_equal(zone_offset(ny, 1768366800), -18000);
    assert_int_equal(zone_day(find("UTC"), -1), day_in("1969-12-31"));
    assert_int_equal(zone_day(find("Asia/Kolkata"), instant("2026-01-14", 18, 30, 0)),
                     day_in("2026-01-15"));
}

static void a_day_has_23_or_25_hours_when_the_clocks_change(void **state)
{
    (void)state;
    const struct zone *ny = find("America/New_York");
    static const struct {
        const char *date;
        int hours;
    } days[] = {
        {"2026-03-07", 24},
        {"2026-03-08", 23},
        {"2026-03-09", 24},
        {"2026-11-01", 25},
        {"2050-03-13", 23},
        {"2050-11-06", 25}
    };
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        int64_t day = day_in(days[i].date);
        assert_int_equal(zone_day_start(ny, day + 1) - zone_day_start(ny, day),
                         days[i].hours * 3600);
        assert_int_equal(zone_day(ny, zone_day_start(ny, day)), day);
        assert_int_equal(zone_day(ny, zone_day_start(ny, day) - 1), day - 1);
    }
    const struct zone *berlin = find("Europe/Berlin"); /* the last Sunday, here the fourth */
    int64_t last_sunday = day_in("2050-03-27");
    assert_int_equal(zone_day_start(berlin, last_sunday + 1) - zone_day_start(berlin, last_sunday),
                     23 * 3600);
    int64_t gap = day_in("2026-03-08") * 86400 + 2 * 3600 + 1800;
    assert_int_equal(zone_epoch(ny, gap), instant("2026-03-08", 3, 30, -4 * 3600));
    int64_t twice = day_in("2026-11-01") * 86400 + 3600 + 1800;
    assert_int_equal(zone_epoch(ny, twice), instant("2026-11-01", 1, 30, -4 * 3600));
}

static void a_day_that_was_left_out_is_empty(void **state)
{
    (void)state;
    const struct zone *apia = find("Pacific/Apia");
    int64_t day = day_in("2011-12-30");
    assert_int_equal(zone_day_start(apia, day), zone_day_start(apia, day + 1));
    assert_int_equal(zone_day(apia, zone_day_start(apia, day)), day + 1);
}

static void a_zone_that_is_none_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"America/New York", "'America/New York' is not the name of a time zone"},
        {"/etc/passwd",      "'/etc/passwd' is not the name of a time zone"     },
        {"../passwd",        "'../passwd' is not the name of a time zone"       },
        {"",                 "'' is not the name of a time zone"                },
        {"Mars/Olympus",
         "no time zone 'Mars/Olympus': opening /usr/share/zoneinfo/Mars/Olympus: No such file or "
         "directory"                                                            },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err = {0};
        assert_null(zone_find(span_of(wrong[i][0]), &err));
        assert_string_equal(err.text, wrong[i][1]);
        assert_int_equal(err.kind, ERROR_CONFIG);
    }
    struct error err = {0};
    assert_null(zone_parse(SPAN("TZif2"), &err));
    assert_int_equal(err.kind, ERROR_MALFORMED);
}

/* A zone file without transitions: its rule alone says what the time is. */
static struct zone *zone_of_rule(const char *rule)
{
    enum { HEADER = 44, TYPES_AT = 36, TYPE = 6 };
    char file[2 * HEADER + TYPE + 64] = "TZif2";
    char *second = file + HEADER;
    memcpy(second, "TZif2", 5);
    second[TYPES_AT + 3] = 1;
    int footer = snprintf(second + HEADER + TYPE, 64, "\n%s\n", rule);
    struct error err = {0};
    return zone_parse((struct span){file, (size_t)(2 * HEADER + TYPE + footer)}, &err);
}

static void a_rule_goes_no_further_than_a_day_from_greenwich(void **state)
{
    (void)state;
    struct zone *zone = zone_of_rule("EST5EDT,M3.2.0,M11.1.0");
    assert_non_null(zone);
    assert_int_equal(zone_offset(zone, instant("2026-07-14", 12, 0, 0)), -4 * 3600);
    zone_free(zone);
    assert_null(zone_of_rule("ee90"));
    assert_null(zone_of_rule("EST5EDT-25,M3.2.0,M11.1.0"));
}

int main(void)
{
    unsetenv("TZDIR");
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(days_are_those_of_the_calendar),
        cmocka_unit_test(a_business_day_begins_at_local_midnight),
        cmocka_unit_test(a_day_has_23_or_25_hours_when_the_clocks_change),
        cmocka_unit_test(a_day_that_was_left_out_is_empty),
        cmocka_unit_test(a_zone_that_is_none_is_refused_by_name),
        cmocka_unit_test(a_rule_goes_no_further_than_a_day_from_greenwich),
    };
    return RUN_STORIES("zone", stories);
}

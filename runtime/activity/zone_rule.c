#include "activity/zone_rule.h"

#include "activity/cursor.h"
#include "activity/day.h"

enum { HOUR = 3600, DAY_SECONDS = 86400, HOURS_MAX = 167, OFFSET_HOURS_MAX = 24 };

static bool take_number(struct cursor *c, int most, int *out)
{
    const char *begin = c->p;
    int n = 0;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9' && n <= most)
        n = n * 10 + (*c->p++ - '0');
    *out = n;
    return c->p > begin && n <= most;
}

/* hh[:mm[:ss]] with a sign. */
static bool take_time(struct cursor *c, int *seconds)
{
    int part[3] = {0};
    bool negative = cursor_take(c, '-');
    if (!negative)
        cursor_take(c, '+');
    if (!take_number(c, HOURS_MAX, &part[0]))
        return false;
    for (int i = 1; i < 3 && cursor_take(c, ':'); i++) {
        if (!take_number(c, 59, &part[i]))
            return false;
    }
    int sum = part[0] * HOUR + part[1] * 60 + part[2];
    *seconds = negative ? -sum : sum;
    return true;
}

/* How far west of Greenwich; POSIX ends at 24 hours, whereas a change may be a week off its day. */
static bool take_offset(struct cursor *c, int *seconds)
{
    return take_time(c, seconds) && *seconds <= OFFSET_HOURS_MAX * HOUR &&
           *seconds >= -OFFSET_HOURS_MAX * HOUR;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool take_name(struct cursor *c)
{
    const char *begin = c->p;
    if (cursor_take(c, '<')) {
        while (c->p < c->end && *c->p != '>')
            c->p++;
        return cursor_take(c, '>');
    }
    while (c->p < c->end && is_letter(*c->p))
        c->p++;
    return c->p > begin;
}

static bool take_change(struct cursor *c, struct zone_change *change)
{
    *change = (struct zone_change){.seconds = 2 * HOUR};
    bool ok;
    if (cursor_take(c, 'M')) {
        change->kind = CHANGE_MONTH;
        ok = take_number(c, 12, &change->month) && change->month >= 1 && cursor_take(c, '.') &&
             take_number(c, 5, &change->week) && change->week >= 1 && cursor_take(c, '.') &&
             take_number(c, 6, &change->weekday);
    } else if (cursor_take(c, 'J')) {
        change->kind = CHANGE_JULIAN;
        ok = take_number(c, 365, &change->day) && change->day >= 1;
    } else {
        change->kind = CHANGE_DAY;
        ok = take_number(c, 365, &change->day);
    }
    return ok && (!cursor_take(c, '/') || take_time(c, &change->seconds));
}

bool zone_rule_parse(struct span text, struct zone_rule *rule)
{
    struct cursor c = {text.data, text.data + text.size};
    *rule = (struct zone_rule){0};
    int west;
    if (!take_name(&c) || !take_offset(&c, &west))
        return false;
    rule->standard = -west;
    if (c.p == c.end)
        return true;
    rule->has_summer = true;
    rule->summer = rule->standard + HOUR;
    if (!take_name(&c))
        return false;
    if (c.p < c.end && *c.p != ',') {
        if (!take_offset(&c, &west))
            return false;
        rule->summer = -west;
    }
    return cursor_take(&c, ',') && take_change(&c, &rule->to_summer) && cursor_take(&c, ',') &&
           take_change(&c, &rule->to_standard) && c.p == c.end;
}

/* The day on which a change happens in a year. */
static int64_t change_day(const struct zone_change *change, int year)
{
    int64_t first = day_of(year, 1, 1);
    if (change->kind == CHANGE_DAY)
        return first + change->day;
    if (change->kind == CHANGE_JULIAN)
        return first + change->day - 1 + (day_year_is_leap(year) && change->day >= 60);
    first = day_of(year, change->month, 1);
    int64_t next_month =
        change->month == 12 ? day_of(year + 1, 1, 1) : day_of(year, change->month + 1, 1);
    int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    int64_t day = first + (change->weekday - weekday + 7) % 7 + 7 * (change->week - 1);
    return day < next_month ? day : day - 7;
}

int zone_rule_offset(const struct zone_rule *rule, int64_t epoch)
{
    if (!rule->has_summer)
        return rule->standard;
    int64_t local = epoch + rule->standard;
    int year, month, day;
    day_split(local / DAY_SECONDS - (local % DAY_SECONDS < 0), &year, &month, &day);
    int64_t begin =
        change_day(&rule->to_summer, year) * DAY_SECONDS + rule->to_summer.seconds - rule->standard;
    int64_t end = change_day(&rule->to_standard, year) * DAY_SECONDS + rule->to_standard.seconds -
                  rule->summer;
    bool in_summer = begin < end ? begin <= epoch && epoch < end : !(end <= epoch && epoch < begin);
    return in_summer ? rule->summer : rule->standard;
}

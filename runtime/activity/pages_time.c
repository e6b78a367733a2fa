#include "activity/pages_time.h"

#include <stdio.h>

#include "activity/cursor.h"
#include "activity/day.h"
#include "script/number.h"

enum { DAY_SECONDS = 86400, MICROS = 1000000 };

static const int64_t first_epoch = -62135596800; /* 0001-01-01T00:00:00Z */
static const int64_t last_epoch = 253402300799;  /* 9999-12-31T23:59:59Z */

static bool two_digits(struct cursor *c, int most, int *out)
{
    if (c->end - c->p < 2 || c->p[0] < '0' || c->p[0] > '9' || c->p[1] < '0' || c->p[1] > '9')
        return false;
    *out = (c->p[0] - '0') * 10 + (c->p[1] - '0');
    c->p += 2;
    return *out <= most;
}

/* Up to nine digits; Postgres keeps six. */
static bool take_fraction(struct cursor *c)
{
    const char *begin = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    return c->p > begin && c->p - begin <= 9;
}

static bool read_clock(struct cursor *c, int *seconds)
{
    int hour, minute, second = 0;
    if (!two_digits(c, 23, &hour) || !cursor_take(c, ':') || !two_digits(c, 59, &minute))
        return false;
    if (cursor_take(c, ':')) {
        if (!two_digits(c, 60, &second) || (cursor_take(c, '.') && !take_fraction(c)))
            return false;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    return true;
}

/* Z, +05:30, +0530, +05: nothing is fine too. */
static bool read_offset(struct cursor *c, struct pages_time *time)
{
    int hours, minutes = 0;
    if (c->p == c->end)
        return true;
    time->has_offset = true;
    if (cursor_take(c, 'Z') || cursor_take(c, 'z'))
        return c->p == c->end;
    bool west = cursor_take(c, '-');
    if ((!west && !cursor_take(c, '+')) || !two_digits(c, 15, &hours))
        return false;
    if (c->p < c->end) {
        cursor_take(c, ':');
        if (!two_digits(c, 59, &minutes))
            return false;
    }
    time->offset = (hours * 60 + minutes) * (west ? -60 : 60);
    return c->p == c->end;
}

bool pages_time_read(struct span text, struct pages_time *time)
{
    int64_t day;
    int seconds;
    *time = (struct pages_time){0};
    if (text.size < 10 || !day_read((struct span){text.data, 10}, &day) || text.data[0] == '-' ||
        memcmp(text.data, "0000", 4) == 0)
        return false;
    time->local = day * DAY_SECONDS;
    struct cursor c = {text.data + 10, text.data + text.size};
    if (c.p == c.end)
        return true;
    if (!cursor_take(&c, 'T') && !cursor_take(&c, 't') && !cursor_take(&c, ' '))
        return false;
    if (!read_clock(&c, &seconds))
        return false;
    time->has_time = true;
    time->local += seconds;
    return read_offset(&c, time);
}

size_t pages_offset_write(int offset, char out[PAGES_TIME_TEXT])
{
    unsigned size = (unsigned)(offset < 0 ? -offset : offset);
    char sign = offset < 0 ? '-' : '+';
    int n = size % 60
                ? snprintf(out, PAGES_TIME_TEXT, "%c%02u:%02u:%02u", sign, size / 3600,
                           size / 60 % 60, size % 60)
                : snprintf(out, PAGES_TIME_TEXT, "%c%02u:%02u", sign, size / 3600, size / 60 % 60);
    return (size_t)n;
}

/* n * 10^exponent, rounded down; false when it does not fit. */
static bool scaled(__int128 n, int exponent, int64_t *out)
{
    for (; exponent > 0; exponent--) {
        n *= 10;
        if (n > INT64_MAX || n < INT64_MIN)
            return false;
    }
    for (; exponent < 0; exponent++)
        n = n / 10 - (n % 10 < 0);
    *out = (int64_t)n;
    return n <= INT64_MAX && n >= INT64_MIN;
}

bool pages_epoch_read(struct span literal, bool milliseconds, int64_t *seconds, int *micros)
{
    struct decimal d;
    bool negative;
    int64_t all;
    if (!number_decimal(literal, &d, &negative))
        return false;
    __int128 n = negative ? -(__int128)d.digits : (__int128)d.digits;
    if (!scaled(n, d.exponent + (milliseconds ? 3 : 6), &all))
        return false;
    *seconds = all / MICROS - (all % MICROS < 0);
    *micros = (int)(all - *seconds * MICROS);
    return *seconds >= first_epoch && *seconds <= last_epoch;
}

size_t pages_epoch_write(int64_t seconds, int micros, char out[PAGES_TIME_TEXT])
{
    int64_t day = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
    int left = (int)(seconds - day * DAY_SECONDS);
    size_t used = day_write(day, out);
    used += (size_t)snprintf(out + used, PAGES_TIME_TEXT - used, " %02d:%02d:%02d", left / 3600,
                             left / 60 % 60, left % 60);
    if (micros)
        used += (size_t)snprintf(out + used, PAGES_TIME_TEXT - used, ".%06d", micros);
    memcpy(out + used, "+00", 4);
    return used + 3;
}

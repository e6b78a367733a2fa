#include "script/protojson_text.h"

void snake_from_camel(struct span camel, struct bytes *out)
{
    for (size_t i = 0; i < camel.size; i++) {
        char c = camel.data[i];
        if (c >= 'A' && c <= 'Z') {
            bytes_add_char(out, '_');
            c = (char)(c - 'A' + 'a');
        }
        bytes_add_char(out, c);
    }
}

void camel_from_snake(struct span snake, struct bytes *out)
{
    bool upper = false;

    for (size_t i = 0; i < snake.size; i++) {
        char c = snake.data[i];
        if (c == '_') {
            upper = true;
            continue;
        }
        bytes_add_char(out, upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
        upper = false;
    }
}

/* --- times --- */

/* `count` digits, and no less, at *at. */
static bool take_digits(struct span text, size_t *at, size_t count, int64_t *number)
{
    *number = 0;
    for (size_t end = *at + count; *at < end; ++*at) {
        if (*at >= text.size || text.data[*at] < '0' || text.data[*at] > '9')
            return false;
        *number = *number * 10 + (text.data[*at] - '0');
    }
    return true;
}

static bool take_char(struct span text, size_t *at, const char *choices)
{
    if (*at >= text.size || !text.data[*at] || !strchr(choices, text.data[*at]))
        return false;
    ++*at;
    return true;
}

/* Nothing, or a point and one to nine digits. */
static bool take_fraction(struct span text, size_t *at, int32_t *nanos)
{
    int32_t unit = 100000000;

    *nanos = 0;
    if (!take_char(text, at, "."))
        return true;
    size_t first = *at;
    for (; *at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at) {
        *nanos += unit * (text.data[*at] - '0');
        unit /= 10;
    }
    return *at > first && *at - first <= 9;
}

/* "Z" or "+hh:mm", in seconds. */
static bool take_offset(struct span text, size_t *at, int64_t *offset)
{
    int64_t hours = 0;
    int64_t minutes = 0;

    *offset = 0;
    if (take_char(text, at, "Zz"))
        return true;
    if (!take_char(text, at, "+-"))
        return false;
    bool west = text.data[*at - 1] == '-';
    if (!take_digits(text, at, 2, &hours) || !take_char(text, at, ":") ||
        !take_digits(text, at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset = (west ? -60 : 60) * (hours * 60 + minutes);
    return true;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t month_from_march = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (month_from_march * 153 + 2) / 5 + day - 1 -
           719468;
}

static const int64_t first_second = -62135596800; /* 0001-01-01T00:00:00Z */
static const int64_t last_second = 253402300799;  /* 9999-12-31T23:59:59Z */

bool timestamp_read(struct span text, int64_t *seconds, int32_t *nanos)
{
    int64_t year, month, day, hour, minute, second, offset;
    size_t at = 0;

    if (!take_digits(text, &at, 4, &year) || !take_char(text, &at, "-") ||
        !take_digits(text, &at, 2, &month) || !take_char(text, &at, "-") ||
        !take_digits(text, &at, 2, &day) || !take_char(text, &at, "Tt") ||
        !take_digits(text, &at, 2, &hour) || !take_char(text, &at, ":") ||
        !take_digits(text, &at, 2, &minute) || !take_char(text, &at, ":") ||
        !take_digits(text, &at, 2, &second) || !take_fraction(text, &at, nanos) ||
        !take_offset(text, &at, &offset) || at != text.size)
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    *seconds =
        days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    return *seconds >= first_second && *seconds <= last_second;
}

/* As few digits of the fraction as say all of it, in groups of three as others write them. */
static void write_fraction(int32_t nanos, struct bytes *out)
{
    if (nanos % 1000000 == 0)
        bytes_printf(out, nanos ? ".%03d" : "", nanos / 1000000);
    else if (nanos % 1000 == 0)
        bytes_printf(out, ".%06d", nanos / 1000);
    else
        bytes_printf(out, ".%09d", nanos);
}

bool timestamp_write(int64_t seconds, int32_t nanos, struct bytes *out)
{
    if (seconds < first_second || seconds > last_second || nanos < 0 || nanos > 999999999)
        return false;
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    int64_t rest = seconds - days * 86400;
    int64_t year = 1970 + days / 366;
    int64_t month = 1;

    if (days < 0)
        year = 1970 + days / 365 - 1;
    while (days_from_date(year + 1, 1, 1) <= days)
        year++;
    int64_t day = days - days_from_date(year, 1, 1);
    for (; day >= days_in(year, month); month++)
        day -= days_in(year, month);
    bytes_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month, (int)day + 1,
                 (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
    write_fraction(nanos, out);
    bytes_add_char(out, 'Z');
    return true;
}

static const int64_t longest = 315576000000; /* seconds: 10,000 years */

bool duration_read(struct span text, int64_t *seconds, int32_t *nanos)
{
    size_t at = 0;
    bool negative = take_char(text, &at, "-");
    size_t first = at;

    *seconds = 0;
    for (; at < text.size && at < first + 13 && text.data[at] >= '0' && text.data[at] <= '9'; at++)
        *seconds = *seconds * 10 + (text.data[at] - '0');
    if (at == first || at - first > 12 || !take_fraction(text, &at, nanos) ||
        !take_char(text, &at, "s") || at != text.size || *seconds > longest)
        return false;
    *seconds = negative ? -*seconds : *seconds;
    *nanos = negative ? -*nanos : *nanos;
    return true;
}

bool duration_write(int64_t seconds, int32_t nanos, struct bytes *out)
{
    if (seconds < -longest || seconds > longest || nanos < -999999999 || nanos > 999999999 ||
        (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0))
        return false;
    if (seconds < 0 || nanos < 0)
        bytes_add_char(out, '-');
    bytes_printf(out, "%lld", seconds < 0 ? -(long long)seconds : (long long)seconds);
    write_fraction(nanos < 0 ? -nanos : nanos, out);
    bytes_add_char(out, 's');
    return true;
}

/* --- base64 --- */

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

bool base64_read(struct span text, struct bytes *out)
{
    size_t size = text.size;
    unsigned char *place;
    uint32_t bits = 0;

    for (int padding = size % 4 ? 0 : 2; padding > 0 && size > 0; padding--)
        size -= text.data[size - 1] == '=';
    if (size % 4 == 1)
        return false;
    place = (unsigned char *)bytes_reserve(out, size / 4 * 3 + 2);
    for (size_t i = 0; i < size; i++) {
        int six = sextet(text.data[i]);
        if (six < 0)
            return false;
        bits = bits << 6 | (uint32_t)six;
        if (i % 4 > 0)
            *place++ = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    bytes_added(out, size / 4 * 3 + (size % 4 ? size % 4 - 1 : 0));
    return true;
}

void base64_write(struct span bytes, struct bytes *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)bytes.data;
    char *place = bytes_reserve(out, (bytes.size + 2) / 3 * 4);
    size_t left = bytes.size;

    for (; left > 0; p += 3, place += 4) {
        uint32_t bits = (uint32_t)p[0] << 16 | (left > 1 ? (uint32_t)p[1] << 8 : 0) |
                        (left > 2 ? (uint32_t)p[2] : 0);
        place[0] = letters[bits >> 18];
        place[1] = letters[bits >> 12 & 63];
        place[2] = left > 1 ? letters[bits >> 6 & 63] : '=';
        place[3] = left > 2 ? letters[bits & 63] : '=';
        left -= left > 3 ? 3 : left;
    }
    bytes_added(out, (bytes.size + 2) / 3 * 4);
}

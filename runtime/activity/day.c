#include "activity/day.h"

#include <stdio.h>

enum { DAYS_400_YEARS = 146097, DAYS_0000_03_01 = 719468 };

/* The year is taken to begin in March: then the leap day is its last, and months follow a formula.
 */
int64_t day_of(int year, int month, int day_of_month)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day_of_month - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_400_YEARS + day_of_era - DAYS_0000_03_01;
}

void day_split(int64_t day, int *year, int *month, int *day_of_month)
{
    int64_t z = day + DAYS_0000_03_01;
    int64_t era = (z >= 0 ? z : z - (DAYS_400_YEARS - 1)) / DAYS_400_YEARS;
    int64_t day_of_era = z - era * DAYS_400_YEARS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    *day_of_month = (int)(day_of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

bool day_year_is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int digits(const char *p, int count)
{
    int n = 0;
    for (int i = 0; i < count; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        n = n * 10 + (p[i] - '0');
    }
    return n;
}

bool day_read(struct span text, int64_t *day)
{
    const char *p = text.data;
    if (text.size != 10 || p[4] != '-' || p[7] != '-')
        return false;
    int year = digits(p, 4);
    int month = digits(p + 5, 2);
    int day_of_month = digits(p + 8, 2);
    if (year < 0 || month < 1 || month > 12 || day_of_month < 1)
        return false;
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (day_of_month > lengths[month - 1] ||
        (month == 2 && day_of_month == 29 && !day_year_is_leap(year)))
        return false;
    *day = day_of(year, month, day_of_month);
    return true;
}

size_t day_write(int64_t day, char out[DAY_TEXT])
{
    int year, month, day_of_month;
    day_split(day, &year, &month, &day_of_month);
    int n = snprintf(out, DAY_TEXT, "%04d-%02d-%02d", year, month, day_of_month);
    return n < DAY_TEXT ? (size_t)n : DAY_TEXT - 1;
}

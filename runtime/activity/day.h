/*
 * Calendar days as numbers: days since 1970-01-01 in the proleptic Gregorian calendar. The day
 * after is one more; which day it is somewhere is zone.h's business.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum { DAY_TEXT = 16 }; /* "2026-01-14" and its NUL; years have four digits */

int64_t day_of(int year, int month, int day_of_month);
void day_split(int64_t day, int *year, int *month, int *day_of_month);

bool day_year_is_leap(int year);

/* "2026-01-14", nothing else, and a day that exists. */
bool day_read(struct span text, int64_t *day);

/* The length of the text. Days outside the years 0 to 9999 are the caller's mistake. */
size_t day_write(int64_t day, char out[DAY_TEXT]);

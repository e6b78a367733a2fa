/* Days and times as vendors write them, for COPY. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* What "2026-01-14", "2026-01-14T05:00", "2026-01-14 05:00:00.123-05:00" or "...Z" say. */
struct pages_time {
    int64_t local; /* seconds since 1970-01-01T00:00 on its own clock, fraction dropped */
    bool has_time; /* not only a day */
    bool has_offset;
    int offset; /* seconds east of UTC */
};

enum { PAGES_TIME_TEXT = 48 };

bool pages_time_read(struct span text, struct pages_time *time);

/* "-05:00" */
size_t pages_offset_write(int offset, char out[PAGES_TIME_TEXT]);

/* Seconds since 1970 of a number literal in seconds or milliseconds, rounded down, and the
 * microseconds beyond. False unless it lies in the years 1 to 9999. */
bool pages_epoch_read(struct span literal, bool milliseconds, int64_t *seconds, int *micros);

/* "2026-01-14 05:00:00.123+00" */
size_t pages_epoch_write(int64_t seconds, int micros, char out[PAGES_TIME_TEXT]);

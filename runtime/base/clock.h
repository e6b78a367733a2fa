/* Time. Monotonic for durations and deadlines, wall for what people and servers read. */
#pragma once

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_wall_ms(void); /* since 1970-01-01T00:00:00Z */

/* "2026-11-24T06:07:49.123Z" */
enum { CLOCK_TEXT_SIZE = 32 };
void clock_text(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

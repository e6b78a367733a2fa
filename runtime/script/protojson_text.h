/*
 * The texts inside proto3 JSON: names, times, base64. Readers refuse what is not
 * wholly such a text, writers of times what is out of range; they then append nothing.
 */
#pragma once

#include "base/bytes.h"

/* "startToCloseTimeout" -> "start_to_close_timeout" and back; both append. */
void snake_from_camel(struct span camel, struct bytes *out);
void camel_from_snake(struct span snake, struct bytes *out);

/* RFC 3339 with up to nine digits of a second and any offset; years 1 to 9999. */
bool timestamp_read(struct span text, int64_t *seconds, int32_t *nanos);
bool timestamp_write(int64_t seconds, int32_t nanos, struct bytes *out);

/* "-1.5s", up to nine digits behind the point. */
bool duration_read(struct span text, int64_t *seconds, int32_t *nanos);
bool duration_write(int64_t seconds, int32_t nanos, struct bytes *out);

/* Both alphabets are read, padded or not; the standard one is written, padded. Both append; reading
 * appends nothing on failure. */
bool base64_read(struct span text, struct bytes *out);
void base64_write(struct span bytes, struct bytes *out);

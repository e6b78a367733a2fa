/* Is it text? UTF-8 as RFC 3629 has it: shortest forms, no surrogates, at most U+10FFFF. */
#pragma once

#include "base/bytes.h"

/* The number of leading bytes that are whole UTF-8 characters: text.size when all of it is. */
size_t utf8_prefix(struct span text);

/* Appends the text, with a '?' for each byte that belongs to no character. */
void utf8_mend(struct span text, struct bytes *out);

static inline bool utf8_valid(struct span text)
{
    return utf8_prefix(text) == text.size;
}

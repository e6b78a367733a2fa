/*
 * Bytes: `struct span` looks at some, `struct bytes` owns some and grows.
 *
 * A `struct bytes` of all zeros is empty and valid. Its data always ends in a NUL that size does
 * not count, so text can be handed to C. Out of memory aborts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *data;
    size_t size;
};

struct bytes {
    char *data; /* NULL while nothing was ever added */
    size_t size;
    size_t room;
};

#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})

static inline struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline struct span bytes_span(const struct bytes *b)
{
    return (struct span){b->data, b->size};
}

/* Room for `more` further bytes; the place to write them. bytes_added() then counts them. */
char *bytes_reserve(struct bytes *b, size_t more);
void bytes_added(struct bytes *b, size_t count);

void bytes_add(struct bytes *b, const void *data, size_t size);
void bytes_add_span(struct bytes *b, struct span s);
void bytes_add_text(struct bytes *b, const char *text);
void bytes_add_char(struct bytes *b, char c);
void bytes_printf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets what is behind the first `size` bytes. */
static inline void bytes_cut(struct bytes *b, size_t size)
{
    if (size < b->size) {
        b->size = size;
        b->data[size] = 0;
    }
}

/* Empties it and keeps the room. */
void bytes_clear(struct bytes *b);
void bytes_release(struct bytes *b);

/* The text as a C string, "" when nothing was ever added. */
const char *bytes_text(const struct bytes *b);

#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

char *bytes_reserve(struct bytes *b, size_t more)
{
    size_t need = b->size + more + 1;
    if (need > b->room) {
        size_t room = b->room ? b->room : 64;
        while (room < need)
            room *= 2;
        b->data = memory_resize(b->data, room);
        b->room = room;
        b->data[b->size] = '\0';
    }
    return b->data + b->size;
}

void bytes_added(struct bytes *b, size_t count)
{
    b->size += count;
    b->data[b->size] = '\0';
}

void bytes_add(struct bytes *b, const void *data, size_t size)
{
    char *place = bytes_reserve(b, size);
    if (size)
        memcpy(place, data, size);
    bytes_added(b, size);
}

void bytes_add_span(struct bytes *b, struct span s)
{
    bytes_add(b, s.data, s.size);
}

void bytes_add_text(struct bytes *b, const char *text)
{
    bytes_add(b, text, strlen(text));
}

void bytes_add_char(struct bytes *b, char c)
{
    *bytes_reserve(b, 1) = c;
    bytes_added(b, 1);
}

void bytes_printf(struct bytes *b, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0) {
        vsnprintf(bytes_reserve(b, (size_t)n), (size_t)n + 1, format, again);
        bytes_added(b, (size_t)n);
    }
    va_end(again);
}

void bytes_clear(struct bytes *b)
{
    b->size = 0;
    if (b->data)
        b->data[0] = '\0';
}

void bytes_release(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

const char *bytes_text(const struct bytes *b)
{
    return b->data ? b->data : "";
}

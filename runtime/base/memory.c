#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *place, size_t size)
{
    if (!place && size) {
        fprintf(stderr, "signalroom: out of memory asking for %zu bytes\n", size);
        abort();
    }
    return place;
}

void *memory_new(size_t size)
{
    return need(calloc(1, size), size);
}

void *memory_resize(void *old, size_t size)
{
    return need(realloc(old, size), size);
}

void *memory_copy(const void *data, size_t size)
{
    char *copy = memory_new(size + 1);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

void *memory_need(void *place)
{
    if (!place) {
        fprintf(stderr, "signalroom: out of memory in a library\n");
        abort();
    }
    return place;
}

char *memory_copy_text(const char *text)
{
    return memory_copy(text, strlen(text));
}

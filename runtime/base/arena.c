#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BLOCK_SIZE = 16 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    _Alignas(16) char data[];
};

static struct arena_block *add_block(struct arena *a, size_t size)
{
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    if (a->used > 4 * room)
        room = a->used / 4;
    struct arena_block *block = memory_resize(NULL, sizeof *block + room);
    block->next = a->block;
    block->size = room;
    block->used = 0;
    a->block = block;
    return block;
}

void *arena_try(struct arena *a, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    if (rounded < size || (a->limit && a->used + rounded > a->limit))
        return NULL;
    struct arena_block *block = a->block;
    if (!block || block->size - block->used < rounded)
        block = add_block(a, rounded);
    void *place = block->data + block->used;
    block->used += rounded;
    a->used += rounded;
    return place;
}

void *arena_alloc(struct arena *a, size_t size)
{
    void *place = arena_try(a, size);
    if (!place) {
        fprintf(stderr, "signalroom: arena limit of %zu bytes passed by our own data\n", a->limit);
        abort();
    }
    return memset(place, 0, size);
}

char *arena_copy(struct arena *a, const void *data, size_t size)
{
    char *copy = arena_alloc(a, size + 1);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *arena_copy_text(struct arena *a, const char *text)
{
    return arena_copy(a, text, strlen(text));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    if (n > 0)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->block;
    while (keep && keep->next) {
        struct arena_block *next = keep->next;
        free(keep);
        keep = next;
    }
    if (keep)
        keep->used = 0;
    a->block = keep;
    a->used = 0;
}

void arena_release(struct arena *a)
{
    while (a->block) {
        struct arena_block *next = a->block->next;
        free(a->block);
        a->block = next;
    }
    a->used = 0;
}

/*
 * Memory that lives as long as one task: allocation moves a pointer, release frees all at once.
 *
 * An arena of all zeros is valid and unlimited. With a limit set, arena_try() returns NULL beyond
 * it (for data that the network sends); arena_alloc() then aborts (for data of our own).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *block;
    size_t used;  /* bytes handed out, all blocks */
    size_t limit; /* 0: none */
};

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned to 16 */
void *arena_try(struct arena *a, size_t size);   /* not zeroed; NULL beyond the limit */
char *arena_copy_text(struct arena *a, const char *text);
char *arena_copy(struct arena *a, const void *data, size_t size); /* with a NUL behind it */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets everything and keeps one block for the next task. */
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

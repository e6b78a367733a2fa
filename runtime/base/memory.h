/* Heap memory. Out of memory aborts with one line on stderr: no caller can do better. */
#pragma once

#include <stddef.h>

void *memory_new(size_t size); /* zeroed */
void *memory_resize(void *old, size_t size);
char *memory_copy_text(const char *text);
void *memory_copy(const void *data, size_t size); /* with a NUL behind it */
void *memory_need(void *place); /* place, which a library allocated: NULL aborts */

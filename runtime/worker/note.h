/* A letter that knows who reads it: the thread that owns the mailbox calls `read` on each. */
#pragma once

#include <stddef.h>

#include "base/mailbox.h"

/* The struct of this type that has `part` as its member. */
#define OWNER(part, type, member) ((type *)((char *)(part)-offsetof(type, member)))

struct note {
    struct letter letter; /* first, so that the letter is the note */
    void (*read)(struct note *note);
};

/* Reads a chain that mailbox_take or mailbox_wait gave. Notes may be freed by their reading. */
static inline void notes_read(struct letter *first)
{
    while (first) {
        struct note *note = (struct note *)first;
        first = first->next;
        note->read(note);
    }
}

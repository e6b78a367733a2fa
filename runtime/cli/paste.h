/*
 * Pasted text, which terminals put between marks when asked to. It is inserted whole, so that its
 * lines are seen before they run and its tabs complete nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

/* What switches the marks on and off, and the one in front as libedit's keys are written. */
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"
#define PASTE_BEGINS "\\e[200~"

struct paste {
    wchar_t *text;
    size_t count;
    size_t room;
};

void paste_add(struct paste *paste, wchar_t next);

/* Whether the mark behind the text has come, or more than anybody pastes. */
bool paste_is_over(const struct paste *paste);

/* What may stand in a line: without the mark, control characters and line breaks at the end. */
const wchar_t *paste_text(struct paste *paste);
void paste_release(struct paste *paste);
